"""The 17 administrative regions of Quebec, and how many people live in each.

Thousands of inhabitants, Statistics Canada, 2021 Census of Population, rounded
to the thousand, within the limits the regions had on census day (Brome-Missisquoi
and La Haute-Yamaska still in Montérégie). They add up to 8 502, the province's
8,501,833. They only serve as weights: a fictional table needs no more.
"""

from __future__ import annotations

INHABITANTS_THOUSANDS: dict[str, int] = {
    "Bas-Saint-Laurent": 199,
    "Saguenay–Lac-Saint-Jean": 276,
    "Capitale-Nationale": 758,
    "Mauricie": 273,
    "Estrie": 338,
    "Montréal": 2004,
    "Outaouais": 405,
    "Abitibi-Témiscamingue": 147,
    "Côte-Nord": 89,
    "Nord-du-Québec": 46,
    "Gaspésie–Îles-de-la-Madeleine": 90,
    "Chaudière-Appalaches": 433,
    "Laval": 438,
    "Lanaudière": 529,
    "Laurentides": 636,
    "Montérégie": 1591,
    "Centre-du-Québec": 250,
}

FAR = frozenset({
    "Abitibi-Témiscamingue",
    "Côte-Nord",
    "Nord-du-Québec",
    "Gaspésie–Îles-de-la-Madeleine",
})
"""Far from the offices: more post and telephone, fewer counters."""
