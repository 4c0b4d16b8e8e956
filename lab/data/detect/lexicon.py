"""Words: what headers say in French and in English, and very common names.

The names were written down from general knowledge of what is common in Quebec; they
are no copy of a frequency list and say nothing about how common each is. They only
raise the confidence: a name that is not here is found by its header and its shape.
Everything is folded: lower case, no accents.
"""

from __future__ import annotations

from typing import Final

from lab.data.detect.kinds import Kind


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


IGNORED: Final = frozenset(_words("de du des d la le les l of the a au aux en pour for et and"))
"""Tokens of a header that carry nothing."""

SAME: Final = {
    "num": "no", "numero": "no", "number": "no", "nbr": "no", "nr": "no", "n": "no",
    "nums": "no", "numeros": "no", "numbers": "no", "telephones": "telephone",
    "tel": "telephone", "phone": "telephone", "phones": "telephone", "ident": "identifiant",
    "identifier": "identifiant", "dt": "date", "dte": "date", "dates": "date",
    "naiss": "naissance", "birth": "naissance", "nais": "naissance", "born": "naissance",
    "adr": "adresse", "addr": "adresse", "address": "adresse", "adresses": "adresse",
    "prenoms": "prenom", "noms": "nom", "name": "nom", "names": "nom", "cp": "cp",
    "emails": "courriel", "email": "courriel", "courriels": "courriel", "mail": "courriel",
    "ass": "assurance", "insurance": "assurance", "soc": "sociale", "social": "sociale",
    "mal": "maladie", "health": "sante", "perm": "permanent", "code": "code",
}  # fmt: skip
"""Spellings of one token that mean the same in a header."""

NOT_THE_THING: Final = frozenset(
    _words("""type types statut status nb nombre count compte_de categorie category taux rate
    pourcentage percent pct indicateur indicator drapeau flag has valide valid total moyenne
    mean moyen mode duree delai raison motif reason""")
)
"""A header that holds one of these speaks about the thing: it is not the thing."""

HEADERS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.NAS: ("nas", "sin", "no assurance sociale", "assurance sociale", "sociale assurance"),
    Kind.NAM: (
        "nam", "ramq", "no assurance maladie", "assurance maladie", "carte soleil",
        "carte assurance maladie", "sante assurance", "sante card", "hin", "no carte sante",
    ),
    Kind.PERMANENT_CODE: ("code permanent", "codeperm", "permanent code", "code perm"),
    Kind.LICENCE: (
        "permis conduire", "no permis", "driver licence", "drivers licence", "driver license",
        "drivers license", "dl no", "permis conducteur", "driver s licence", "driver s license",
    ),
    Kind.CARD: (
        "carte credit", "carte paiement", "credit card", "card no", "no carte", "pan", "cc no",
        "payment card",
    ),
    Kind.NEQ: ("neq", "no entreprise quebec", "no entreprise"),
    Kind.EMAIL: ("courriel", "e courriel", "courrier electronique", "adresse electronique"),
    Kind.PHONE: (
        "telephone", "cellulaire", "cell", "mobile", "telecopieur", "fax", "no joindre",
        "portable",
    ),
    Kind.ADDRESS: (
        "adresse", "rue", "street", "no civique", "civic no", "domicile", "adresse postale",
        "adresse1", "adresse2", "adresse civique", "residence",
    ),
    Kind.FILE_NUMBER: (
        "no dossier", "dossier", "no client", "client id", "id client", "no patient",
        "patient id", "id patient", "matricule", "identifiant", "uuid", "guid", "mrn", "ipp",
        "no employe", "employee id", "id employe", "employee no", "no usager", "usager id",
        "id usager", "user id", "username", "login", "no membre", "member id", "no beneficiaire",
        "no assure", "no eleve", "student id", "no etudiant", "no participant", "participant id",
        "id participant", "no police", "policy no", "no contrat", "no compte", "account no",
        "no passeport", "passport no", "passeport", "passport", "case id", "case no", "file no",
        "no reference", "id personne", "person id", "no personne", "id individu", "cle personne",
        "no demande", "id demandeur", "no demandeur", "id citoyen", "subject id", "no prestataire",
        "no allocataire", "record id", "no carte membre",
    ),
    Kind.PLATE: (
        "plaque", "immatriculation", "plate", "licence plate", "license plate", "no plaque",
    ),
    Kind.IP: ("ip", "ipv4", "ipv6", "adresse ip", "ip adresse"),
    Kind.URL: ("url", "site web", "website", "profil web", "lien", "page web", "linkedin"),
    Kind.GPS: (
        "gps", "latitude", "longitude", "lat", "lon", "lng", "long", "coordonnees", "geoloc",
        "geolocalisation", "position gps", "coord x", "coord y", "coordinates",
    ),
    Kind.FREE_TEXT: (
        "commentaire", "commentaires", "remarque", "remarques", "note", "notes", "observation",
        "observations", "description", "texte", "narratif", "comment", "comments", "remarks",
    ),
    Kind.BIRTH_DATE: (
        "date naissance", "naissance date", "naissance", "ddn", "dob", "annee naissance",
        "naissance annee", "naissance year", "year naissance", "naissance day", "ne",
        "nee", "ne e",
    ),
    Kind.POSTAL_CODE: (
        "code postal", "postal code", "cp", "codepostal", "postal", "zip", "cpostal",
    ),
    Kind.POSTAL_PREFIX: ("rta", "fsa", "prefixe postal", "postal prefix", "region tri"),
    Kind.DATE: ("date", "jour", "horodatage", "timestamp", "datetime", "day"),
    Kind.AGE: ("age", "groupe age", "tranche age", "age group", "ages"),
    Kind.SEX: ("sexe", "sex", "genre", "gender"),
    Kind.LANGUAGE: ("langue", "language", "langue maternelle", "mother tongue", "lang"),
    Kind.REGION: (
        "region", "ville", "municipalite", "mrc", "city", "town", "province", "quartier",
        "arrondissement", "secteur", "localite", "circonscription", "neighbourhood", "borough",
        "county", "rss", "clsc", "lieu naissance", "lieu residence", "aire diffusion",
    ),
    Kind.OCCUPATION: (
        "profession", "occupation", "emploi", "metier", "job title", "job",
        "titre emploi", "poste",
        "workclass", "employeur", "employer", "cnp", "noc",
    ),
    Kind.ORIGIN: (
        "ethnicite", "ethnie", "origine", "origine ethnique", "ethnicity", "race", "pays",
        "country", "native country", "nationalite", "nationality", "citoyennete", "citizenship",
        "immigration", "statut immigration", "autochtone", "minorite visible", "indigenous",
    ),
    Kind.FAMILY: (
        "etat civil", "etat matrimonial", "statut matrimonial", "marital", "marital status",
        "situation familiale", "nb enfants", "nombre enfants", "taille menage", "household size",
    ),
    Kind.EDUCATION: ("scolarite", "education", "diplome", "niveau etudes", "degree"),
    Kind.HEALTH: (
        "diagnostic", "diagnostics", "diagnosis", "maladie", "maladies", "disease", "cim10", "cim",
        "icd", "icd10", "sante", "etat sante", "handicap", "disability", "medicament",
        "medicaments", "medication", "groupe sanguin", "blood type", "grossesse", "pregnancy",
        "imc", "bmi", "tabagisme", "smoker", "vaccin", "hospitalisation", "invalidite",
        "allergie", "allergies", "symptome", "symptomes", "trouble", "sante mentale",
    ),
    Kind.INCOME: (
        "revenu", "revenus", "salaire", "salary", "income", "wage", "wages", "prestation",
        "prestations", "aide sociale", "dette", "dettes", "debt", "faillite", "bankruptcy",
        "patrimoine", "salary class",
    ),
    Kind.OFFENCE: (
        "infraction", "infractions", "offence", "offense", "crime", "crimes", "condamnation",
        "condamnations", "conviction", "casier judiciaire", "accusation", "delit", "peine",
        "antecedents judiciaires", "criminal record", "arrestation", "sentence",
    ),
    Kind.RELIGION: ("religion", "confession", "croyance", "faith"),
    Kind.ORIENTATION: (
        "orientation", "orientation sexuelle", "sexual orientation", "identite genre",
        "gender identity",
    ),
    Kind.OPINION: (
        "opinion politique", "parti politique", "political party", "syndicat", "union membership",
        "affiliation politique", "allegeance politique",
    ),
}  # fmt: skip
"""Phrases of tokens, folded and after `SAME`; a header that holds one says the kind."""

SURE_NAME_HEADERS: Final = (
    "prenom", "nom famille", "last nom", "first nom", "given nom", "family nom", "surname",
    "full nom", "nom complet", "nom prenom", "maiden nom", "nom jeune fille", "nom fille",
    "lastname", "firstname", "fullname", "nom usuel", "middle nom", "initiales",
)  # fmt: skip
PEOPLE: Final = frozenset(
    _words("""
    nom prenom client patient usager employe eleve etudiant personne demandeur beneficiaire
    assure pere mere parent parents conjoint conjointe enfant tuteur temoin medecin intervenant
    responsable titulaire proprietaire locataire contact participant citoyen victime plaignant
    accuse person employee student member membre owner father mother spouse child doctor
    physician applicant requerant signataire naissance agent complet customer user""")
)
"""With the word *nom* or by themselves, these are people (a name is then expected)."""

FIRST_NAMES: Final = _words("""
    marie jean pierre michel louise francois nathalie sylvie isabelle martin daniel andre
    jacques nicole robert denis julie claude luc diane alain stephane guy johanne caroline
    francine manon chantal annie richard gilles yves sophie eric melanie patrick sebastien
    mathieu mathilde alexandre genevieve catherine karine valerie veronique simon maxime david
    jonathan olivier vincent etienne guillaume gabriel samuel antoine felix thomas william
    xavier zachary nathan emile leo liam noah edouard arthur jacob raphael justin charles
    emma lea alice florence juliette charlotte rosalie camille chloe zoe jade beatrice maeva
    audrey emilie amelie laurence sarah jessica stephanie marc paul roger normand serge rejean
    real gaston yvon yvan jocelyn jocelyne lise lucie monique suzanne helene ginette huguette
    carole danielle linda line christine helene joanne josee lucille pauline therese colette
    mario benoit bernard christian dominique donald fernand gerard germain henri herve hugo
    jerome joel julien laurent leon louis marcel maurice nicolas normande pascal philippe
    raymond rene roland sylvain tristan yannick mohamed ahmed fatima karim nadia omar youssef
    maria jose carlos john james mary elizabeth michael jennifer""")
SURNAMES: Final = _words("""
    tremblay gagnon roy cote bouchard gauthier morin lavoie fortin gagne ouellet pelletier
    belanger levesque bergeron leblanc paquette girard simard boucher caron beaulieu cloutier
    dube poirier fournier lapointe leclerc lefebvre poulin thibault st-pierre nadeau martel
    landry bernier richard michaud hebert desjardins couture turcotte lachance parent blais
    gosselin savard proulx beaudoin demers perreault boudreau lemieux cyr perron dufour dion
    mercier bolduc berube boisvert langlois menard therrien plante bilodeau blanchette dubois
    champagne paradis fontaine fortier audet gilbert bedard lemay cormier gingras rheaume
    renaud grenier lessard vachon villeneuve theriault carrier gendron desrosiers dupuis
    tanguay rousseau charbonneau raymond lalonde deschenes daigle gravel breton asselin
    pepin beauchamp robitaille giroux drolet robichaud larouche corriveau arsenault boivin
    veilleux trudel nguyen tran smith diallo traore benali haddad""")
ORGANISATIONS: Final = _words("""
    inc ltee enr senc ecole centre hopital garage clinique college universite cegep
    municipalite ville ministere commission societe compagnie groupe restaurant pharmacie
    boutique service services club parc rue avenue boulevard chemin pont lac riviere mont
    station musee bibliotheque eglise paroisse fondation association institut conseil office
    regie produit modele version ltd corp company school hospital street road""")
"""Words that no name of a person holds."""

PARTICLES: Final = _words("de du des la le van von der den mc mac o d l st ste saint")

SEXES: Final = frozenset(
    _words("""m f h x homme femme hommes femmes male female masculin feminin man woman non-binaire
    autre nb other fille garcon masc fem""")
)
LANGUAGES: Final = frozenset(
    _words("""
    francais anglais fr en french english espagnol arabe creole mandarin italien portugais
    autre other fra eng spanish""")
)
