"""What people are told about the benefit claims: titles, columns, data card."""

from __future__ import annotations

from lab.data import benefits
from lab.data.source import Prose, Source
from lab.domain.dataset import Column, DataClass, Dataset
from lab.domain.ids import DatasetId

DATASET = Dataset(
    id=DatasetId("demandes-prestations"),
    title_fr="Demandes de prestations",
    title_en="Benefit claims",
    description_fr=(
        "50 000 demandes de prestations fictives, de 2023 à 2025 : qui demande quoi, par quel "
        "canal, combien de temps la réponse prend et quelle elle est. Aucune personne réelle."
    ),
    description_en=(
        "50,000 fictional benefit claims, 2023 to 2025: who asks for what, by which channel, how "
        "long the answer takes and what it is. No real person."
    ),
    data_class=DataClass.SYNTHETIC,
    licence="CC0 1.0",
    source="Générateur à graine du laboratoire (lab.data.benefits)",
)

COLUMNS = (
    Column("date_depot", "date", "Date du dépôt de la demande", "Date the claim was filed"),
    Column("region", "string", "Région administrative", "Administrative region"),
    Column("age", "integer", "Âge, en années", "Age, in years"),
    Column(
        "taille_menage",
        "integer",
        "Personnes dans le ménage (6 : 6 ou plus)",
        "People in the household (6: 6 or more)",
    ),
    Column("situation_emploi", "string", "Situation d’emploi", "Employment"),
    Column(
        "revenu_menage",
        "integer",
        "Revenu annuel du ménage, en dollars, à la centaine",
        "Yearly household income, in dollars, to the hundred",
    ),
    Column("prestation", "string", "Prestation demandée", "Benefit asked for"),
    Column("canal", "string", "Canal de dépôt", "Channel"),
    Column("complexite", "string", "Complexité du dossier", "Complexity of the file"),
    Column(
        "pieces_manquantes",
        "integer",
        "Pièces manquantes à l’arrivée",
        "Documents missing on arrival",
    ),
    Column(
        "charge_agent",
        "number",
        "Dossiers ouverts par agent, au bureau qui reçoit la demande",
        "Open files per officer, in the office that gets the claim",
    ),
    Column(
        "delai_jours",
        "integer",
        "Délai du dépôt à la décision, en jours",
        "Days from filing to decision",
    ),
    Column("decision", "string", "Décision", "Decision"),
    Column(
        "montant_mensuel",
        "integer",
        "Montant accordé, en dollars par mois (vide si rien n’est accordé)",
        "Amount granted, in dollars a month (empty when nothing is)",
    ),
    Column(
        "appel",
        "boolean",
        "Décision portée en appel (vide si elle ne peut l’être)",
        "Whether the decision was appealed (empty when it cannot be)",
    ),
)

FRENCH = Prose(
    what=(
        "Une table fictive de 50 000 demandes de prestations déposées entre janvier 2023 et "
        "décembre 2025 auprès d’un organisme qui n’existe pas. Une ligne est une demande. Il n’y "
        "a ni personne ni identifiant : les lignes ne se rattachent à rien ni à personne."
    ),
    how=(
        "Un générateur à graine, dont le code est public (`lab/data/benefits.py`), tire chaque "
        "ligne d’un modèle écrit à la main. Il n’a rien appris de dossiers réels. Les régions "
        "sont pondérées par leur population au Recensement de 2021 (Statistique Canada), arrondie "
        "au millier. Les dépendances sont voulues et mesurées par des tests : par exemple, chaque "
        "pièce manquante allonge le délai, le canal dépend de l’âge et de la région, et la "
        "décision dépend du revenu par rapport au seuil de la prestation. Des valeurs manquent "
        "là où elles manqueraient : revenu non déclaré (plus souvent au travail autonome), "
        "ménage laissé en blanc, charge perdue pendant un changement de système "
        "(du 12 février au 3 mars 2024)."
    ),
    limits=(
        "Aucun chiffre ne décrit le Québec, un programme ou une région : n’en concluez rien.",
        "Les liens sont plus simples que la réalité : un modèle y réussira mieux qu’ailleurs.",
        "Les seuils, les montants et les délais sont inventés.",
        "Les 17 régions ne diffèrent que par le poids, l’éloignement et la charge de leur bureau.",
    ),
    uses=(
        "Prévoir le délai d’une demande le jour de son dépôt.",
        "Prévoir une décision, puis examiner ce que le modèle fait selon l’âge ou la région.",
        "S’exercer aux valeurs manquantes, aux saisons et aux files d’attente.",
    ),
)

ENGLISH = Prose(
    what=(
        "A fictional table of 50,000 benefit claims filed between January 2023 and December 2025 "
        "with a public body that does not exist. One row is one claim. There is no person and no "
        "identifier: rows lead to nothing and nobody."
    ),
    how=(
        "A seeded generator, whose code is public (`lab/data/benefits.py`), draws each row from a "
        "model written by hand. It learned nothing from real files. Regions are weighted by their "
        "population in the 2021 Census (Statistics Canada), rounded to the thousand. The "
        "dependencies are meant, and measured by tests: each missing document lengthens the "
        "delay, the channel depends on age and region, the decision on income against the "
        "benefit’s threshold. Values are missing where they would be: income not declared (more "
        "often by the self-employed), household left blank, workload lost during a change of "
        "systems (12 February to 3 March 2024)."
    ),
    limits=(
        "No figure describes Quebec, a programme or a region: draw no conclusion from any.",
        "Dependencies are simpler than life: a model will do better here than elsewhere.",
        "Thresholds, amounts and delays are invented.",
        "The 17 regions differ only by weight, remoteness and their office’s workload.",
    ),
    uses=(
        "Predict, on the day of filing, how long a claim will take.",
        "Predict a decision, then look at what the model does by age or region.",
        "Practise on missing values, seasons and queues.",
    ),
)


def source() -> Source:
    """Generate the table and say everything about it."""
    return Source(DATASET, COLUMNS, benefits.generate(), "CC0-1.0", FRENCH, ENGLISH)
