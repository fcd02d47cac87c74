"""Every deed by name; importing this fills the registry."""

from bot.lab.simulation import hands as hands
from bot.lab.simulation import mishaps as mishaps
from bot.lab.simulation import upheavals as upheavals
from bot.lab.simulation.deed import DEEDS as DEEDS
from bot.lab.simulation.mishaps import close_window as close_window
from bot.lab.simulation.mishaps import open_window as open_window
