"""Why the gateway refuses something: all its reason codes, each with its meaning and its remedy."""

from __future__ import annotations

from components.bosh.http.reasons import REASONS as OF_HTTP
from components.bosh.longpoll.reasons import REASONS as OF_BOSH
from components.bosh.websocket.reasons import REASONS as OF_WEBSOCKET

REASONS = {**OF_HTTP, **OF_BOSH, **OF_WEBSOCKET}
