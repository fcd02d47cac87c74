"""A tape tells nobody who we are, and keeps numbers as they were spelt."""

import json

from hypothesis import given
from hypothesis import strategies as st

from bot.venue.tape import NOT_RECORDED, Player, Recorder

URL = "https://venue.example/fapi/v1/order?symbol=BTCUSDT&timestamp=1&signature=beef&recvWindow=5"


def test_what_identifies_us_is_masked_in_question_and_answer():
    kept = Recorder(lambda text: text.replace("s3cret", "***"))
    body = '{"listenKey":"abc","qty":"1","rows":[{"uid":77,"p":1.10}],"note":"s3cret"}'
    kept.answered("GET", URL + "&user=0xabc", None, 200, body)
    (pair,) = kept.pairs
    assert pair.params == {"symbol": "BTCUSDT", "user": "***"}
    assert pair.body == (
        '{"listenKey":"***","qty":"1","rows":[{"uid":"***","p":1.10}],"note":"***"}'
    )


numbers = st.from_regex(
    r"-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
)


@given(st.lists(numbers, max_size=5), st.text(max_size=20))
def test_numbers_and_words_come_back_as_they_were_spelt(spelt, word):
    text = '{"rows":[' + ",".join(spelt) + '],"word":' + json.dumps(word) + "}"
    kept = Recorder(str)
    kept.answered("GET", URL, None, 200, text)
    assert kept.pairs[0].body == text


def test_a_question_is_answered_in_turn_and_one_that_was_never_asked_is_named():
    kept = Recorder(str)
    for body in ('{"n":1}', '{"n":2}', "not json"):
        kept.answered("POST", "https://v.example/info", '{"type":"x","nonce":9}', 200, body)
    player = Player(kept.pairs)
    told = [player.answer("POST", "http://other/info", b'{"nonce":1,"type":"x"}') for _ in range(4)]
    assert [body for _, body in told] == ['{"n":1}', '{"n":2}', "not json", "not json"]
    status, _ = player.answer("POST", "http://other/info", '{"type":"y"}')
    assert status == NOT_RECORDED
    assert player.missing == ['POST /info {"type": "y"}']
    assert player.unheard == []
