"""The look of a figure: one colour per role, one style for matplotlib, one for plotly.

Pure data. It knows neither what is drawn nor who draws it: `STYLE` is a plain dict of
matplotlib settings, `PLOTLY_TEMPLATE` a plain dict of plotly ones.

    import matplotlib.pyplot as plt
    from minigpt_edu.viz import ROLES, STYLE
    plt.style.use(STYLE)

A matplotlib figure is a picture with fixed colours, and no ink has a contrast of 4.5
on white *and* on a dark page. So its paper is white, everywhere. On its dark page the
book inverts a drawing and keeps the hues: white becomes the page, each role becomes its
colour in `ROLES_DARK`. Shaded pictures stay on white paper, since the text around them
says "bright" and "dark". Plotly figures are redrawn in the colours of the theme.

In both themes the roles have a contrast of 4.5 with the page and stay apart under the
three kinds of colour blindness, as modelled by Machado, Oliveira and Fernandes, "A
Physiologically-based Model for Simulation of Color Vision Deficiency" (2009).
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "DARK_FILTER",
    "INK",
    "PAPER",
    "PAPER_DARK",
    "PLOTLY_TEMPLATE",
    "QUIET",
    "ROLES",
    "ROLES_DARK",
    "RULE",
    "STYLE",
]

#: The part of the model that a colour stands for, on white.
ROLES: dict[str, str] = {
    "query": "#1c479c",
    "key": "#c05701",
    "value": "#0f8762",
    "residual": "#2c2e34",
    "mlp": "#a057b4",
}

#: The same roles on the book's dark page: what DARK_FILTER makes of them.
ROLES_DARK: dict[str, str] = {
    "query": "#90b5fe",
    "key": "#e1873d",
    "value": "#42aa8a",
    "residual": "#c4c6cb",
    "mlp": "#bb7ccc",
}

#: How a style sheet turns a drawing on white into one on the dark page, hues kept.
DARK_FILTER = "invert(0.93) hue-rotate(180deg)"

PAPER = "#ffffff"
PAPER_DARK = "#121212"  # the background of the book's theme
INK = "#1f2630"  # titles, numbers, labels
QUIET = "#5b6472"  # ticks and notes
RULE = "#d7dbe2"  # grid lines

# Lines follow in this order when no role is meant: dark, light, dark, light.
_CYCLE = [ROLES[role] for role in ("query", "key", "value", "mlp", "residual")]

#: Settings for `matplotlib.pyplot.style.use`.
STYLE: dict[str, Any] = {
    "figure.figsize": (6.4, 3.6),  # inches; 640 pixels wide on the page
    "figure.dpi": 100,
    "figure.facecolor": PAPER,
    "figure.constrained_layout.use": True,
    "savefig.facecolor": PAPER,
    "font.size": 10.5,
    "font.family": "DejaVu Sans",  # shipped with matplotlib: the same on every machine
    "text.color": INK,
    "axes.facecolor": PAPER,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.prop_cycle": f"cycler(color={_CYCLE!r})",
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "image.cmap": "cividis",
    "image.interpolation": "nearest",
}


def _axis() -> dict[str, Any]:
    return {
        "automargin": True,
        "title": {"font": {"size": 13}},
        "gridcolor": RULE,
        "linecolor": QUIET,
        "tickcolor": QUIET,
        "ticks": "outside",
        "ticklen": 4,
        "zerolinecolor": RULE,
        "showline": True,
    }


#: The part of plotly's layout that every figure of the book shares.
PLOTLY_TEMPLATE: dict[str, Any] = {
    "layout": {
        "colorway": _CYCLE,
        "font": {"color": INK, "size": 13},
        "paper_bgcolor": PAPER,
        "plot_bgcolor": PAPER,
        "margin": {"l": 56, "r": 16, "t": 40, "b": 48},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "hovermode": "closest",
        "colorscale": {"sequential": "Cividis"},
        "xaxis": _axis(),
        "yaxis": _axis(),
    }
}
