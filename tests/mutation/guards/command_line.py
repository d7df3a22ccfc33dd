"""What a file must not become on its way to people's phones, and what an operator is told of processes."""

from __future__ import annotations

from tests.mutation.guard import Guard, guards_of

MESSAGE_FILE = "tests/producer/files/test_message_file.py::test_"
SPREADSHEETS = "tests/producer/files/test_spreadsheets.py::test_"
REJECTS = "tests/cli/test_reject_file.py::test_"
HEALTH = "tests/cli/test_healthcheck.py::test_"
ORDER = "tests/broker/test_queue_order.py::test_"
DOCTOR = "tests/cli/test_doctor.py::test_"

GUARDS: tuple[Guard, ...] = (
    *guards_of(
        "producer/bsg_producer/files/text_encodings.py",
        (
            "Western text is not read as Cyrillic",
            "        if cyrillic and is_plainly_cyrillic(cyrillic):\n",
            "        if cyrillic:\n",
            f"{MESSAGE_FILE}western_text_is_not_taken_for_cyrillic",
        ),
    ),
    *guards_of(
        "producer/bsg_producer/files/text_lines.py",
        (
            "each line is asked whether it reads as Cyrillic as the beginning does",
            "        if self.encoding.guessed and not text_encodings.is_plainly_cyrillic(line):\n",
            "        if False:\n",
            f"{MESSAGE_FILE}a_line_that_does_not_read_as_cyrillic_as_those_before_is_told",
        ),
    ),
    *guards_of(
        "producer/bsg_producer/files/csv_rows.py",
        (
            "a reject's cell is no formula",
            '    return f"\'{cell}" if _FORMULA.match(cell) else cell\n',
            "    return cell\n",
            f"{REJECTS}no_cell_is_a_formula",
        ),
        (
            "the mark against formulas is taken off again",
            "                yield began, [unescaped(cell) for cell in cells]\n",
            "                yield began, cells\n",
            f"{REJECTS}what_was_mended_is_sent_as_the_file_stands",
        ),
    ),
    *guards_of(
        "producer/bsg_producer/files/message_file.py",
        (
            "the next row's phone is not sent within a name",
            'if "\\n" in cell and any(map(self._looks_like_row, cell.splitlines()[1:])):',
            "if False:",
            f"{MESSAGE_FILE}the_next_rows_phone_within_a_name_is_told",
        ),
        (
            "a row with other cells than the header is not sent",
            "            if len(cells) != expected:\n",
            "            if False:\n",
            f"{MESSAGE_FILE}what_is_wrong_is_told_with_file_and_line",
        ),
        (
            "a cell with a control character is not sent",
            'if (control := rules.control_character(cell, allowed="\\t\\n\\r")) is not None:',
            "if (control := None) is not None:",
            f"{MESSAGE_FILE}control_characters_are_told_with_line_and_column",
        ),
    ),
    *guards_of(
        "producer/bsg_producer/files/column_names.py",
        (
            "a column is not guessed between two",
            "        if len(alike) > 1:\n",
            "        if False:\n",
            f"{MESSAGE_FILE}two_columns_of_which_none_has_exactly_the_name_are_told",
        ),
    ),
    *guards_of(
        "messages/bsg_messages/quick_look.py",
        (
            "a text with a control character is doubtful",
            '    if not "".join(texts).isprintable():\n',
            "    if False:\n",
            "tests/messages/test_preparation.py::test_a_field_with_a_control_character_makes_the_message_a_reject",
        ),
    ),
    *guards_of(
        "cli/bsg_cli/reject_file.py",
        (
            "a file of other phones is not mended in place of the one that was sent",
            "            if reject.phone and str(",
            "            if False and str(",
            f"{REJECTS}another_file_is_refused_before_anything_is_printed",
        ),
        (
            "a file of another length is not mended in place of the one that was sent",
            "    if rows != accepted:\n",
            "    if False:\n",
            f"{REJECTS}another_file_is_refused_before_anything_is_printed",
        ),
    ),
    *guards_of(
        "producer/bsg_producer/files/xlsx_rows.py",
        (
            "a spreadsheet's error is sent to nobody",
            '        if cell.data_type == "e":\n',
            "        if False:\n",
            f"{SPREADSHEETS}an_error_of_the_spreadsheet_is_sent_to_nobody",
        ),
        (
            "a zip bomb is not unpacked",
            "        sum(part.file_size for part in parts) > _LARGEST_UNPACKED\n",
            "        False\n",
            f"{SPREADSHEETS}a_zip_bomb_is_refused_before_it_is_unpacked",
        ),
        (
            "reading ends at the last row that a sheet can have",
            "            if line > _LAST_ROW:\n",
            "            if line > 10 * _LAST_ROW:\n",
            f"{SPREADSHEETS}a_row_far_beyond_the_last_ends_the_reading",
        ),
    ),
    *guards_of(
        "broker/bsg_broker/queue_order.py",
        (
            "campaigns that have had no turn get four for one of those that go on",
            '_TURNS_IN_A_ROW = {"prepare": 4}',
            '_TURNS_IN_A_ROW = {"prepare": 1}',
            f"{ORDER}campaigns_without_a_turn_get_four_for_one_of_those_that_go_on",
        ),
        (
            "whether a worker lives is told before all else that it has to do",
            '        if stage == "pulse":',
            "        if False:",
            f"{HEALTH}a_pulse_is_taken_before_all_that_waits",
        ),
    ),
    *guards_of(
        "ledger/bsg_ledger/heartbeats.py",
        (
            "only an answer counts as one",
            '        return bool(self._client.exists(f"bsg:pulse:{token}"))\n',
            "        return True\n",
            f"{HEALTH}a_worker_that_hangs_is_not_though_another_one_works",
        ),
    ),
    *guards_of(
        "cli/bsg_cli/diagnosis/campaigns.py",
        (
            "a batch that waits for a person is a problem",
            "    if asking:\n",
            "    if False:\n",
            f"{DOCTOR}a_batch_that_waits_for_a_person_is_a_problem_and_one_that_is_looked_up_is_not",
        ),
    ),
)
