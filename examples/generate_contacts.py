"""Writes contacts.csv, the demo's input: 25 000 contacts as people have them, some 60 of them bad on purpose.

The same seed writes the same file. The bad rows break every rule that a row of a CSV file can break when it is sent
with a text such as "Hi {{ name }}, see you {{ day }} in {{ city }}".

    python examples/generate_contacts.py
"""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from pathlib import Path

SEED = 20_300_131
ROWS = 25_000
COLUMNS = ("phone", "name", "day", "city", "sender", "reference_id", "tariff_code")
CONTACTS = Path(__file__).with_name("contacts.csv")

Row = dict[str, str]

LATIN = ("Alice", "Bob", "Chloé", "Jürgen", "Łukasz", "Mary-Jane", "O'Neil", "Zoë", "José", "Ana Sofía")
CYRILLIC = ("Олена", "Тарас", "Ганна", "Їжакевич", "Юрій", "Іван Сірко", "Соломія", "Дмитро", "Ёлка", "Пётр")
GREEK = ("Μαρία", "Γιώργος", "ΕΛΕΝΗ", "Δημήτρης", "Ωραία", "Νίκος")
EMOJI = ("Kate 😀", "🎉 Max", "Олег 🇺🇦", "Sam 👩‍👩‍👧", "Μυρτώ 🌞")
NAMES = (*LATIN, *LATIN, *CYRILLIC, *CYRILLIC, *GREEK, *EMOJI)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "у суботу", "την Κυριακή")
CITIES = ("Kyiv", "Lviv", "Odesa", "Київ", "Львів", "Kraków", "Αθήνα", "Θεσσαλονίκη", "Berlin", "São Paulo")

# Ten digits after the country code, as different people write them.
WRITINGS = (
    "+{c} {a} {b}-{d}-{e}",
    "+{c}{a}{b}{d}{e}",
    "{c}{a}{b}{d}{e}",
    "+{c} ({a}) {b} {d} {e}",
    "00{c} {a} {b} {d}{e}",
    "+{c}-{a}-{b}-{d}-{e}",
    "+{c} {a} {b}.{d}.{e}",
    "+{c}\u00a0{a}\u00a0{b}\u00a0{d}\u00a0{e}",
)
OPERATORS = ("50", "63", "66", "67", "68", "73", "93", "95", "96", "97", "98", "99")


def main() -> None:
    rows = contacts()
    with CONTACTS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def contacts() -> list[Row]:
    """Return all rows in order. Bad rows and repeats are strewn in; a repeat stands right after what it repeats."""
    chance = random.Random(SEED)
    rows = [good_row(chance, number) for number in range(ROWS)]
    mistakes = [mistake for mistake in MISTAKES for _ in range(3)]
    indexes = iter(chance.sample(range(10, ROWS, 2), len(mistakes) + len(REPEATS) * 3))
    for make in mistakes:
        make(rows[next(indexes)])
    for repeat in REPEATS:
        for _ in range(3):
            index = next(indexes)
            repeat(rows[index - 1], rows[index])
    return rows


def good_row(chance: random.Random, number: int) -> Row:
    """Return a contact whose phone no other one has."""
    subscriber = f"{(number * 7_919 + 1_231_231) % 10_000_000:07}"
    row = {
        "phone": chance.choice(WRITINGS).format(
            c="380", a=chance.choice(OPERATORS), b=subscriber[:3], d=subscriber[3:5], e=subscriber[5:]
        ),
        "name": chance.choice(NAMES),
        "day": chance.choice(DAYS),
        "city": chance.choice(CITIES),
    }
    if number % 50 == 0:
        row["sender"] = chance.choice(("MyShop Lviv", "380661231231", "Shop & Co."))
    if number % 20 == 0:
        row["reference_id"] = f"order{number:06}"
    if number % 100 == 0:
        row["tariff_code"] = str(chance.randrange(10))
    return row


def setting(**cells: str) -> Callable[[Row], None]:
    return lambda row: row.update(cells)


MISTAKES: tuple[Callable[[Row], None], ...] = (
    setting(phone=""),
    setting(phone="+380 66 1"),
    setting(phone="+380 66 123-12-31-12-31-1"),
    setting(phone="066 123-12-31"),
    setting(phone="call the office"),
    setting(phone="3.80661E+11"),
    setting(phone="+380661231231, +380671231231"),
    setting(name=""),
    setting(day="  "),
    setting(city=""),
    setting(city="Llanfair " * 90),
    setting(name="Соломія " * 45),
    setting(name="x" * 5_000),
    setting(sender="My Shop In Kyiv"),
    setting(sender="Магазин"),
    setting(reference_id="order-7/8"),
    setting(reference_id="r" * 33),
    setting(tariff_code="11"),
)


def repeat_whole(first: Row, second: Row) -> None:
    """The same phone and the same text: a duplicate."""
    second.clear()
    second.update({name: first[name] for name in ("phone", "name", "day", "city")})


def repeat_phone(first: Row, second: Row) -> None:
    """The same phone with another text: a second message, which goes into a later batch."""
    second["phone"] = first["phone"]
    second["day"] = f"{first['day']}!"


def repeat_reference_id(first: Row, second: Row) -> None:
    first["reference_id"] = second["reference_id"] = f"twice{first['phone'][-2:]}{second['phone'][-2:]}"


REPEATS = (repeat_whole, repeat_phone, repeat_reference_id)


if __name__ == "__main__":
    main()
