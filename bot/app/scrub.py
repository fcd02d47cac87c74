"""Takes secrets out of text before anybody else sees it."""

import base64
import json
import re
from urllib.parse import quote

MASK = "***"
_ASSIGNED = re.compile(
    r"(?i)((?:api[-_]?key|x-mbx-apikey|api[-_]?secret|secret|signature|passphrase|password|token"
    r"|listen[-_]?key|authorization)[\"']?\s*[=:]\s*[\"']?(?:bearer\s+)?)([^\s\"'&,;})\]]{4,})"
)
_BOT_TOKEN = re.compile(r"\bbot?\d{6,}:[A-Za-z0-9_-]{20,}")
_LOGIN = re.compile(r"(://[^\s:/@]+:)[^\s/@]+?(?=@|\.\.\.)")
"""A password in an address, also in one that was cut short."""
_SECRET_LENGTH_MIN = 6


class Scrubber:
    """Knows the secrets of this process and how they are spelt in URLs, headers and dumps."""

    def __init__(self) -> None:
        self._spellings: tuple[str, ...] = ()

    def learn(self, secret: str) -> None:
        """Remember `secret`: from now on no spelling of it passes."""
        if len(secret) < _SECRET_LENGTH_MIN:
            return
        raw = secret.encode()
        spellings = {
            secret,
            quote(secret, safe=""),
            base64.b64encode(raw).decode().rstrip("="),
            base64.urlsafe_b64encode(raw).decode().rstrip("="),
            raw.hex(),
            repr(secret)[1:-1],
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
        }
        known = {*self._spellings, *spellings}
        self._spellings = tuple(sorted(known, key=lambda text: (-len(text), text)))

    def clean(self, text: str) -> str:
        """Return `text` without known secrets and without values that look like one."""
        known = _LOGIN.sub(rf"\1{MASK}", self.without_known(text))
        return _BOT_TOKEN.sub(MASK, _ASSIGNED.sub(rf"\1{MASK}", known))

    def without_known(self, text: str) -> str:
        """Return `text` without known secrets alone: data stay as they are."""
        for spelling in self._spellings:
            if spelling in text:
                text = text.replace(spelling, MASK)
        return text


OWN = Scrubber()
"""Of this process: whoever reads a secret teaches it, whoever writes text asks it."""
