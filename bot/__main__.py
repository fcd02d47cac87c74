"""`python -m bot`: the command line; without arguments it runs the bot."""

from bot.app.cli import main

if __name__ == "__main__":
    main()
