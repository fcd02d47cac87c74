"""Pure read models: what a question is answered, once, for terminal, page, API and chat.

One file is one answer: NAME and answer(question) -> JSON-able dict. Unknown is None, never zero.
Importing `bot.answers.ask` finds them all.
"""
