"""Passwords: Argon2id, and which ones are taken.

References
----------
RFC 9106 (Argon2), section 4: the second recommended option is t=3, m=64 MiB, p=4. NIST SP 800-63B rev. 4, section 3.1.1: at least 15
characters where a password is all that is asked, no rules of composition, a list of common ones refused.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from features.errors import BadData, TryAgain

SHORTEST = 15
LONGEST = 200
FEWEST_DIFFERENT = 5
AT_ONCE = 2
WAIT_SECONDS = 5.0

T = TypeVar("T")

COMMON = ("password", "passwort", "123456789012345", "qwertyuiop", "letmein", "changeme", "iloveyou", "welcome", "recoup", "administrator")
"""What guesses begin with; a password is refused when nothing but repeats of these and digits is in it."""


class Passwords:
    """Makes and checks hashes; only a few at once, because each takes 64 MiB and a tenth of a second of purpose.

    Examples
    --------
    >>> passwords = Passwords.quick()
    >>> kept = passwords.hash("a long and winding road", name="ana")
    >>> kept.startswith("$argon2id$"), passwords.matches(kept, "a long and winding road"), passwords.matches(kept, "another")
    (True, True, False)
    >>> passwords.matches(None, "nobody has this name")
    False
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._of_nobody: str | None = None

    @classmethod
    def quick(cls) -> Passwords:
        """Return one whose hashes cost next to nothing, for tests and examples."""
        return cls(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))

    def hash(self, password: str, *, name: str) -> str:
        """Return the hash of a new password.

        Raises
        ------
        BadData
            When it is too short, too long or too easily guessed.
        """
        check(password, name=name)
        return self._in_turn(lambda: self._hasher.hash(_plain(password)))

    def matches(self, kept: str | None, password: str) -> bool:
        """Tell whether a password is the one of a hash; with none, the same time passes, and the answer is no."""
        if len(password) > LONGEST:
            return False
        against = kept if kept is not None else self._nobody()
        return self._in_turn(lambda: self._verify(against, password)) and kept is not None

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, _plain(password))
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False

    def _nobody(self) -> str:
        if self._of_nobody is None:
            self._of_nobody = self._hasher.hash("nobody's password")
        return self._of_nobody

    def _in_turn(self, work: Callable[[], T]) -> T:
        if not self._turns.acquire(timeout=WAIT_SECONDS):
            raise TryAgain("many people sign in at once; try again in a moment")
        try:
            return work()
        finally:
            self._turns.release()


def check(password: str, *, name: str) -> None:
    """Return if a new password may be taken.

    Raises
    ------
    BadData
        When it may not; the text does not repeat it.

    Examples
    --------
    >>> check("short", name="ana")
    Traceback (most recent call last):
    features.errors.BadData: a password has at least 15 characters; a few words that do not belong together are easy to keep in mind
    >>> check("passwordpassword1", name="ana")
    Traceback (most recent call last):
    features.errors.BadData: this password is among the first that would be guessed; a few words that do not belong together are better
    """
    plain = _plain(password)
    if len(plain) < SHORTEST:
        raise BadData(f"a password has at least {SHORTEST} characters; a few words that do not belong together are easy to keep in mind")
    if len(password) > LONGEST:
        raise BadData(f"a password has at most {LONGEST} characters")
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in plain):
        raise BadData("a password holds no control characters")
    left = plain.lower()
    for word in (*COMMON, name.lower()):
        left = left.replace(word, "") if word else left
    if len(set(left.strip("0123456789 !.-_"))) < FEWEST_DIFFERENT:
        raise BadData("this password is among the first that would be guessed; a few words that do not belong together are better")


def _plain(password: str) -> str:
    """One form for letters that keyboards write in two (NIST SP 800-63B 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
