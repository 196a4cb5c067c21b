"""The documentation of a reversal: a letter or sheet that somebody signs, and the worksheet that stays in the house."""

from serving.packet.case import Case, Row, Score
from serving.packet.compose import write_packet
from serving.packet.desk import Desk
from serving.packet.document import Packet
from serving.packet.enclosures import Enclosure
from serving.packet.kinds import KIND_OF, KINDS, Forbidden, forbidding, kind_of
from serving.packet.reading import read_cases

__all__ = [
    "KINDS",
    "KIND_OF",
    "Case",
    "Desk",
    "Enclosure",
    "Forbidden",
    "Packet",
    "Row",
    "Score",
    "forbidding",
    "kind_of",
    "read_cases",
    "write_packet",
]
