"""The sizes that are explored. Each is small enough for every interleaving, and lets something else go wrong."""

from __future__ import annotations

from dataclasses import replace

from tests.exhaustive.model import ChunkPlan, Size

ONE_BATCH = (ChunkPlan(((0,),)),)
ONE_BATCH_OF_TWO = (ChunkPlan(((0, 1),)),)
TWO_CHUNKS_OF_REJECTS = (ChunkPlan((), rejects=(0,)), ChunkPlan((), rejects=(1,)))
A_BATCH_AND_A_REJECT = (ChunkPlan(((0,),), rejects=(1,)),)

TWO_BATCHES_AND_A_REJECT = (ChunkPlan(((0,), (1,)), rejects=(2,)),)

LOST = frozenset({"lost"})

# In the suite, and what the mutations of the guards are held against first: seconds.
QUICK = (
    Size("an operator cancels", workers=1, operator=frozenset({"cancel"})),
    Size("an operator pauses", workers=1, operator=frozenset({"pause"})),
    Size(
        "the rate limit, responses unheard",
        workers=1,
        limit=True,
        unheard=True,
        responses=frozenset({"not taken", "lost"}),
    ),
    Size("a deadline, leases that run out early", workers=1, deadline=True, early_leases=True),
    Size("rows refused", ONE_BATCH_OF_TWO, workers=1, responses=frozenset({"rows", "lost"})),
    Size("messages dropped", ONE_BATCH_OF_TWO, workers=1, responses=frozenset({"drops", "lost"})),
    Size("ids used before", ONE_BATCH_OF_TWO, workers=1, used_before=(0,)),
    Size("a campaign that BSG loses", workers=1, responses=frozenset({"denied"})),
    Size("an account closed", workers=1, responses=frozenset({"closed"}), operator=frozenset({"gate"})),
    Size("a half-open gate", workers=1, half_open=True, responses=frozenset({"not taken", "refused", "lost"})),
    Size("a chunk, and a reject", A_BATCH_AND_A_REJECT, workers=1, prepared=False, responses=LOST),
    Size("another key", workers=1, responses=frozenset({"refused", "lost"}), operator=frozenset({"rekey"})),
    Size(
        "two chunks accepted in steps, a cancel",
        TWO_CHUNKS_OF_REJECTS,
        workers=1,
        in_steps=True,
        prepared=False,
        responses=frozenset(),
        operator=frozenset({"cancel"}),
        most_taken=1,
    ),
    Size(
        "another key in steps",
        workers=1,
        in_steps=True,
        responses=frozenset(),
        operator=frozenset({"rekey"}),
        most_taken=1,
    ),
    Size("a duplicate window", workers=1, duplicate_window=True, early_leases=True),
    Size("a compaction", workers=1, in_steps=True, responses=LOST, operator=frozenset({"compact"}), most_taken=1),
)

# Two workers at once, and more going wrong together: minutes.
DEEP = (
    Size("an operator cancels and pauses", workers=1, operator=frozenset({"cancel", "pause"})),
    Size(
        "an account closed, a lost response",
        workers=1,
        responses=frozenset({"closed", "lost"}),
        operator=frozenset({"gate"}),
    ),
    Size(
        "a batch and a reject in steps, a cancel",
        A_BATCH_AND_A_REJECT,
        workers=1,
        in_steps=True,
        prepared=False,
        responses=frozenset(),
        operator=frozenset({"cancel"}),
        most_taken=1,
    ),
    Size(
        "another key, a cancel",
        workers=1,
        responses=frozenset({"refused", "lost"}),
        operator=frozenset({"rekey", "cancel"}),
    ),
    Size("two workers"),
    Size("two workers, the rate limit, responses unheard", limit=True, unheard=True),
    Size("two workers, leases that run out early", early_leases=True),
    Size("two workers, shown late, early leases", shown_late=True, early_leases=True),
    Size("two workers, a cancel", operator=frozenset({"cancel"})),
    Size("two workers, a pause", operator=frozenset({"pause"})),
    Size("two workers, an operator's gate", operator=frozenset({"gate"})),
    Size("two workers, a half-open gate", half_open=True, operator=frozenset({"gate"})),
    Size("two workers, a retry", operator=frozenset({"retry"})),
    Size("two workers, a deadline and a retry", deadline=True, operator=frozenset({"retry"})),
    Size("two workers, another key", operator=frozenset({"rekey"})),
    Size(
        "another key in steps, a lost response",
        workers=1,
        in_steps=True,
        responses=LOST,
        operator=frozenset({"rekey"}),
        most_taken=1,
    ),
    Size(
        "another key in steps, a cancel",
        workers=1,
        in_steps=True,
        responses=LOST,
        operator=frozenset({"rekey", "cancel"}),
        most_taken=1,
    ),
    Size("two workers, another key in steps", in_steps=True, operator=frozenset({"rekey"})),
    Size(
        "a batch and a reject in steps, a deadline and a retry",
        A_BATCH_AND_A_REJECT,
        workers=1,
        in_steps=True,
        prepared=False,
        responses=frozenset({"refused"}),
        operator=frozenset({"retry"}),
        deadline=True,
        most_taken=1,
    ),
    Size("two workers, a cancel in steps", in_steps=True, operator=frozenset({"cancel"})),
    Size("two workers, a retry in steps", in_steps=True, deadline=True, operator=frozenset({"retry"})),
    Size("two workers, a purge", in_steps=True, deadline=True, operator=frozenset({"purge", "retry"})),
    Size("a compaction, a cancel", workers=1, in_steps=True, deadline=True, operator=frozenset({"compact", "cancel"})),
    Size(
        "two batches and a reject in steps, a compaction",
        TWO_BATCHES_AND_A_REJECT,
        workers=1,
        in_steps=True,
        responses=frozenset(),
        operator=frozenset({"compact"}),
    ),
    Size("two workers, a compaction, a retry", in_steps=True, deadline=True, operator=frozenset({"compact", "retry"})),
    Size(
        "messages dropped, a compaction",
        ONE_BATCH_OF_TWO,
        responses=frozenset({"drops", "lost"}),
        operator=frozenset({"compact"}),
    ),
    Size("two workers, rows refused", ONE_BATCH_OF_TWO, responses=frozenset({"rows", "lost"})),
    Size("two workers, an account closed", responses=frozenset({"closed", "lost"})),
    Size("two workers, messages dropped", ONE_BATCH_OF_TWO, responses=frozenset({"drops", "lost"})),
    Size(
        "two workers, messages dropped, a cancel",
        ONE_BATCH_OF_TWO,
        responses=frozenset({"drops", "lost"}),
        operator=frozenset({"cancel"}),
    ),
    Size("two workers, ids used before", ONE_BATCH_OF_TWO, used_before=(0,)),
    Size("two workers, a chunk", prepared=False, responses=LOST),
    Size(
        "two workers, a chunk, a cancel, a deadline",
        prepared=False,
        responses=LOST,
        operator=frozenset({"cancel"}),
        deadline=True,
    ),
    Size("a duplicate window, two workers", duplicate_window=True),
    Size("a duplicate window, shown late", shown_late=True, duplicate_window=True),
    Size("a duplicate window, ids used before", ONE_BATCH_OF_TWO, used_before=(0,), duplicate_window=True),
    Size("a duplicate window, BSG allows duplicates", duplicates="allowed", duplicate_window=True),
    Size("a duplicate window, BSG refuses now and then", duplicates="either", duplicate_window=True),
    Size("a duplicate window that ends with the request on its way", duplicate_window=True, sharp_window=True),
    Size("a duplicate window, a stall after a look", duplicate_window=True, stalls_after_looks=True),
)

# Not known to end within hours: explored by name, up to a number of states.
TOO_LARGE = (
    Size(
        "a chunk of two batches in steps, a cancel",
        TWO_BATCHES_AND_A_REJECT,
        workers=1,
        in_steps=True,
        prepared=False,
        responses=frozenset(),
        operator=frozenset({"cancel"}),
        most_taken=1,
    ),
    Size(
        "a campaign that BSG loses, a cancel",
        workers=1,
        responses=frozenset({"denied"}),
        operator=frozenset({"cancel"}),
    ),
)

# Too large for every state: walked through at random, by seeds that replay.
WALKED = Size(
    "three batches of two chunks, everything at once",
    (ChunkPlan(((0, 1), (2,))), ChunkPlan(((3,),), rejects=(4,))),
    in_steps=True,
    prepared=False,
    limit=True,
    unheard=True,
    duplicate_window=True,
    responses=frozenset({"not taken", "refused", "lost", "rows", "closed"}),
    early_leases=True,
    operator=frozenset({"cancel", "pause", "retry", "gate"}),
    deadline=True,
    most_taken=5,
)
WALKED_HALF_OPEN = replace(WALKED, name="three batches, a half-open gate", prepared=True, half_open=True)
