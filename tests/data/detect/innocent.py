"""Fifty columns that identify nobody by themselves, some of them close to what does."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from tests.data.detect.planted import letters, number, pick, words

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    Random = np.random.Generator

TOWNS = words("""
Montréal Québec Laval Gatineau Longueuil Sherbrooke Lévis Saguenay Terrebonne Repentigny
Saint-Jean-sur-Richelieu Saint-Jérôme Drummondville Granby Saint-Hyacinthe Rimouski Mirabel
Sainte-Thérèse Saint-Eustache Victoriaville Rouyn-Noranda Salaberry-de-Valleyfield Sept-Îles
Sainte-Julie Thetford-Mines Saint-Georges Val-d’Or Joliette Matane Amos Baie-Saint-Paul""")
PRODUCTS = """Chaise pliante;Table ronde;Lampe Aurore;Écran 27 po;Clavier filaire;Souris optique;
Papier recyclé;Bureau assis-debout;Classeur à tiroirs;Agrafeuse Marine;Imprimante laser;
Tableau blanc;Fauteuil Jasmin;Casque d’écoute;Câble HDMI""".replace("\n", "").split(";")


def _isbn10(random: Random) -> str:
    body = f"2{number(random, 8)}"
    check = sum(int(d) * (10 - at) for at, d in enumerate(body)) * -1 % 11
    return body + ("X" if check == 10 else str(check))


def _choice(text: str) -> Callable[[Random], Any]:
    values = text.split(";")
    return lambda r: pick(r, values)


INNOCENT: dict[str, Callable[[Random], Any]] = {
    "montant": lambda r: round(float(r.gamma(2, 900)), 2),
    "montant_texte": lambda r: f"{r.integers(1, 999)} {number(r, 3)},{number(r, 2)} $",
    "budget": lambda r: f"{r.integers(100, 999)} {number(r, 3)} {number(r, 3)},00",
    "budget_entier": lambda r: int(r.integers(100_000_000, 999_999_999)),
    "subvention": lambda r: int(r.integers(1, 900)) * 1_000_000,
    "pourcentage": lambda r: f"{r.uniform(0, 100):.1f} %".replace(".", ","),
    "taux": lambda r: float(r.random()),
    "taux_pct": lambda r: float(r.uniform(41, 83)),
    "annee": lambda r: int(r.integers(1990, 2026)),
    "exercice": lambda r: f"20{r.integers(10, 24)}-20{r.integers(11, 25)}",
    "trimestre": _choice("T1;T2;T3;T4"),
    "municipalite": lambda r: pick(r, TOWNS),
    "localite_service": lambda r: pick(r, TOWNS).upper(),
    "produit": lambda r: pick(r, PRODUCTS),
    "nom_produit": lambda r: pick(r, PRODUCTS),
    "nom_etablissement": lambda r: f"École {pick(r, ('Marie-Victorin', 'Jean-Talon', 'du Lac'))}",
    "organisme": _choice("Garage Tremblay inc.;Clinique Roy;Ville de Lévis;Groupe Martin ltée"),
    "programme": _choice("Aide au logement;Bourses;Rénovation verte;Culture à l’école"),
    "nb_dossiers": lambda r: int(r.poisson(12)),
    "nombre_appels": lambda r: int(r.poisson(300)),
    "type_telephone": _choice("Cellulaire;Maison;Bureau"),
    "statut_client": _choice("Actif;Inactif;En attente"),
    "lat_arrondie": lambda r: round(float(r.uniform(45, 50)), 1),
    "lon_arrondie": lambda r: round(float(r.uniform(-79, -64)), 2),
    "version": lambda r: f"{r.integers(1, 9)}.{r.integers(20)}.{r.integers(9)}.{r.integers(30)}",
    "logiciel": lambda r: f"v{r.integers(9)}.{r.integers(30)}.{r.integers(9)}",
    "isbn": lambda r: f"978-2-{number(r, 4)}-{number(r, 4)}-{number(r, 1)}",
    "isbn10": _isbn10,
    "ean": lambda r: f"0{number(r, 12)}",
    "ugs": lambda r: f"{letters(r, 3)}-{number(r, 4)}",
    "code_produit": lambda r: f"{letters(r, 2)}{number(r, 6)}",
    "lot": lambda r: f"L{number(r, 8)}",
    "code_article": lambda r: f"{letters(r, 4)}{number(r, 8)}",
    "code_scian": lambda r: int(r.integers(100_000, 999_999)),
    "facture": lambda r: number(r, 9),
    "commande": lambda r: int(r.integers(10**9, 10**10)),
    "sequence": lambda r: 100_000_000 + int(r.integers(1000)),
    "transaction": lambda r: number(r, 16),
    "duree_secondes": lambda r: float(r.exponential(300)),
    "duree": lambda r: f"{r.integers(24):02}:{r.integers(60):02}:{r.integers(60):02}",
    "score": lambda r: float(r.normal()),
    "cote": _choice("A;B;C;D;E"),
    "est_actif": lambda r: bool(r.integers(2)),
    "reponse": _choice("Oui;Non;Ne sait pas"),
    "satisfaction": _choice(
        "Tout à fait d’accord avec l’énoncé qui vient d’être lu;"
        "Plutôt en désaccord avec l’énoncé qui vient d’être lu"
    ),
    "unite": _choice("kg;m²;km;L"),
    "mois": _choice("janvier;février;mars;avril;mai;juin;juillet"),
    "date_ouverture": lambda r: date(2015, 1, 1) + timedelta(days=int(r.integers(3000))),
    "couleur": _choice("Rouge;Bleu marine;Vert forêt;Blanc cassé"),
    "temperature": lambda r: f"{r.uniform(-30, 35):.4f}",
}
