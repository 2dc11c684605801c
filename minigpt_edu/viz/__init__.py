"""Records to pictures: `show` puts a figure with its caption on the page."""

from . import views
from .show import show
from .style import INK, ROLES, ROLES_DARK, STYLE

__all__ = ["INK", "ROLES", "ROLES_DARK", "STYLE", "show", "views"]
