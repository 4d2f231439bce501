"""Options that several commands share. Defaults stand in the stages; here they are only said (a test compares).

Heavy rooms are entered inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from morphvec.cli.completion import completer

READ, COUNT, WEIGH, MODEL, CONSTRAIN, SOLVE, BATCH, RUN = (
    "Reading text",
    "Counting",
    "Association",
    "Model",
    "Morphology",
    "Solver",
    "Mini-batches",
    "Running",
)


def _option(flag: str, text: str, panel: str, metavar: str | None = None) -> Any:
    return typer.Option(
        flag,
        help=text,
        rich_help_panel=panel,
        metavar=metavar,
        show_default=False,
        autocompletion=completer(flag),
    )


Text = Annotated[
    list[str],
    typer.Argument(
        help="Text: PATH or LANG=PATH, a folder, or - for stdin; .gz .xz .bz2 .zst are unpacked.",
        show_default=False,
    ),
]
Folder = Annotated[str, typer.Argument(help="A folder that an earlier command wrote.", show_default=False)]
Model = Annotated[str, typer.Argument(help="A model folder.", show_default=False)]
Out = Annotated[str, typer.Option("--output-folder", "-o", help="The folder to write.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.", show_default=False)]
Quiet = Annotated[bool, _option("--quiet", "Say nothing but warnings and results.", RUN)]
Overwrite = Annotated[bool, _option("--overwrite", "Replace a folder of morphvec's that stands there.", RUN)]
Threads = Annotated[
    int | None,
    _option("--threads", "Threads; they change no bit of the result. Default: one per core.", RUN),
]
Memory = Annotated[
    str | None,
    _option("--memory", "Memory to keep within, e.g. 4G. Default: half of the machine's.", RUN, "SIZE"),
]

TokenizerName = Annotated[
    str | None,
    _option("--tokenizer", "unicode, whitespace, letters or regex:PATTERN. Default: unicode.", READ),
]
Case = Annotated[str | None, _option("--case", "lower or keep. Default: lower.", READ)]
ImportTokenizer = Annotated[
    str,
    typer.Option(
        "--tokenizer", help="How words were told apart: whitespace, unicode, letters or regex:PATTERN."
    ),
]
ImportCase = Annotated[
    str, typer.Option("--case", help="lower where the vectors are of lower-case words, else keep.")
]
JoinHyphen = Annotated[
    bool | None, _option("--join-hyphen", "A hyphen inside a word joins it (tokenizer unicode).", READ)
]
Format = Annotated[
    str | None, _option("--format", "auto, text, tsv (id⇥text), conllu or jsonl. Default: auto.", READ)
]
AlignIds = Annotated[
    bool, _option("--align-ids", "Short for --format tsv with ids among the --features.", READ)
]
Errors = Annotated[
    str | None, _option("--errors", "Bytes that are not UTF-8: strict or replace. Default: strict.", READ)
]
MinCount = Annotated[int | None, _option("--min-count", "Leave out words met less often. Default: 5.", READ)]
MaxVocab = Annotated[int | None, _option("--max-vocab", "Keep at most so many words. Default: all.", READ)]

Features = Annotated[
    str | None,
    _option(
        "--features",
        "Columns: window, ids, ngrams, morphemes, affixes; each may carry :β and :β:α. Default: window.",
        COUNT,
    ),
]
Window = Annotated[int | None, _option("--window", "Words of context on each side. Default: 5.", COUNT)]
WindowWeight = Annotated[
    str | None, _option("--window-weight", "flat, distance (1/d) or dynamic. Default: distance.", COUNT)
]
Ngrams = Annotated[
    str | None, _option("--ngrams", "Lengths of character n-grams, MIN-MAX, or none. Default: 3-6.", COUNT)
]
NgramMinTypes = Annotated[
    int | None, _option("--ngram-min-types", "Keep n-grams found in so many words. Default: 5.", COUNT)
]

AssociationKind = Annotated[
    str | None,
    _option(
        "--association",
        "What a cell is to be: ppmi, pmi, count, log, log1p or tf-idf; a method may fit another. Default: ppmi.",
        WEIGH,
    ),
]
Smoothing = Annotated[
    float | None, _option("--smoothing", "Exponent of the context counts. Default: 0.75.", WEIGH)
]
Shift = Annotated[float | None, _option("--shift", "k of shifted PPMI, −ln k. Default: 1.0.", WEIGH)]
AddLambda = Annotated[
    float | None, _option("--add-lambda", "Pseudo-count of every cell. Default: 0.0.", WEIGH)
]
Unobserved = Annotated[
    float | None,
    _option(
        "--unobserved", "Weight α of cells that are not stored. Default: 0.2; 0.02 of ids.", WEIGH, "ALPHA"
    ),
]
Weight = Annotated[
    str | None,
    _option(
        "--weight",
        "Weight of a stored cell by its count: constant, sqrt, glove, alpha+sqrt, count or curvature. Default: alpha+sqrt.",
        WEIGH,
    ),
]
WeightMax = Annotated[
    float | None,
    _option("--weight-max", "Cap of sqrt (10), or the count where glove reaches 1 (100).", WEIGH),
]

Method = Annotated[
    str | None,
    _option(
        "--method",
        "token-feature, token-token, ppmi, svd, lsa, smf, glove, sgns or skipgram. Default: token-feature.",
        MODEL,
    ),
]
MethodDefaults = Annotated[
    str | None,
    _option("--method", "The method that this is for: its defaults. Default: token-feature.", MODEL),
]
Target = Annotated[
    str | None,
    _option("--target", "What token-token factorises: ppmi or gram, XXᵀ. Default: ppmi.", MODEL),
]
Loss = Annotated[
    str | None,
    _option(
        "--loss",
        "smf: squared, or logistic, the pair loss of sgns on observed cells. Default: squared.",
        MODEL,
    ),
]
Centre = Annotated[
    bool | None,
    _option("--centre", "lsa: take the mean off each column (PCA). Default: False.", MODEL),
]
Negatives = Annotated[
    int | None, _option("--negatives", "sgns: negative samples of a pair, k. Default: 5.", MODEL)
]
Sample = Annotated[
    float | None,
    _option(
        "--sample",
        "sgns: leave out frequent words, the more their share exceeds this; 0: none. Default: 0.0001.",
        MODEL,
    ),
]
NoisePower = Annotated[
    float | None,
    _option("--noise-power", "sgns: negatives are drawn ∝ count^power. Default: 0.75.", MODEL),
]
Racing = Annotated[
    bool | None,
    _option(
        "--racing",
        "sgns: threads race, which is faster; no two runs give the same vectors. Default: False.",
        MODEL,
    ),
]
Dim = Annotated[int | None, _option("--dim", "Length of a vector. Default: 100.", MODEL)]
PartNames = Annotated[
    str | None,
    _option(
        "--parts",
        "What a word is made of: own, ngrams, morphemes, lemma, affixes; all but own may carry :weight. Default: own,ngrams; lemma and affixes too where a table, a list or the text tells them.",
        MODEL,
    ),
]
OwnWeight = Annotated[
    float | None,
    _option(
        "--own-weight",
        "Weight of a word's own row beside its parts. Default: 1, in much text more by count for words without a "
        "lemma where lemmas are known; 3 where the only columns are ids.",
        MODEL,
    ),
]
OwnWeightSplit = Annotated[
    float | None,
    _option(
        "--own-weight-split", "The same for words that have a lemma. Default: --own-weight, or 1.", MODEL
    ),
]
Ridge = Annotated[
    float | None,
    _option(
        "--ridge",
        "Ridge γ of all factors. Default: 1; with parts 3 where the only columns are ids, else up to 20, less in much "
        "text.",
        MODEL,
    ),
]
Rules = Annotated[
    str | None,
    _option(
        "--rules",
        "Where affix rules are looked for beside what is given: text (the spelling of words and the company that "
        "they keep) or none. Default: text; none where the only columns are ids.",
        MODEL,
    ),
]
Unaligned = Annotated[
    float | None,
    _option(
        "--unaligned",
        "What a cell weighs whose word has no counterpart in the line's other languages, as a first run's vectors tell "
        "it; counterparts are columns too and drawn together. 1: nothing of this, and there is one run. Default: 0.05 "
        "where line ids of several languages are the only columns; 1 elsewhere.",
        MODEL,
        "DELTA",
    ),
]
RidgeOwn = Annotated[float | None, _option("--ridge-own", "γ of words' own rows. Default: --ridge.", MODEL)]
RidgeParts = Annotated[float | None, _option("--ridge-parts", "γ of rows of parts. Default: --ridge.", MODEL)]
RidgeFeatures = Annotated[
    float | None, _option("--ridge-features", "γ of feature rows. Default: --ridge.", MODEL)
]
Power = Annotated[
    float | None,
    _option("--power", "Exponent of the singular values in the vectors. Default: 0.0.", MODEL, "P"),
]
Output = Annotated[
    str | None,
    _option(
        "--output", "Vectors of words, contexts, their sum, or both: w, c, w+c, concat. Default: w.", MODEL
    ),
]
Seed = Annotated[int | None, _option("--seed", "Seed of everything random. Default: 0.", MODEL)]

Constraint = Annotated[
    list[str] | None,
    _option(
        "--constraint",
        "offset, lemma or class, with :λ if wanted, may be repeated; none: no constraint. Default: offset for tables, class for lists.",
        CONSTRAIN,
    ),
]
GraphName = Annotated[
    str | None,
    _option(
        "--graph",
        "Inside a class: complete, ring, star, explicit (--edges), nearest:K or random:R. Default: complete.",
        CONSTRAIN,
    ),
]
Normalise = Annotated[
    str | None,
    _option(
        "--normalise", "scatter (one λ means one thing in every graph) or none. Default: scatter.", CONSTRAIN
    ),
]
Unimorph = Annotated[
    list[str] | None,
    _option("--unimorph", "UniMorph table, PATH or LANG=PATH; may be repeated.", CONSTRAIN, "[LANG=]PATH"),
]
Derivations = Annotated[
    list[str] | None,
    _option("--derivations", "Derivations: a MorphyNet or a CatVar table.", CONSTRAIN, "[LANG=]PATH"),
]
Conllu = Annotated[
    list[str] | None,
    _option("--conllu", "Treebank whose lemmas and tags make a table.", CONSTRAIN, "[LANG=]PATH"),
]
Segments = Annotated[
    list[str] | None,
    _option("--segments", "Segmentations of words (word⇥morphemes).", CONSTRAIN, "[LANG=]PATH"),
]
Morfessor = Annotated[
    list[str] | None,
    _option("--morfessor", "Morph model that morphvec segment or Morfessor wrote.", CONSTRAIN, "[LANG=]PATH"),
]
Affixes = Annotated[
    list[str] | None,
    _option("--affixes", "Affix list (form affix⇥lemma affix⇥name).", CONSTRAIN, "[LANG=]PATH"),
]
Classes = Annotated[
    list[str] | None, _option("--classes", "Classes of words (class⇥word).", CONSTRAIN, "PATH")
]
Edges = Annotated[
    list[str] | None, _option("--edges", "Edges between words (word⇥word⇥weight).", CONSTRAIN, "PATH")
]
ClassWeights = Annotated[
    list[str] | None,
    _option("--class-weights", "Factors of λ for single classes (class⇥factor).", CONSTRAIN, "PATH"),
]
HoldOut = Annotated[
    list[str] | None,
    _option("--hold-out", "Words (one per line) that no constraint may touch.", CONSTRAIN, "PATH"),
]

Solver = Annotated[
    str | None,
    _option(
        "--solver",
        "als, or by mini-batches sgd, adagrad or adam; svd and lsa: fast or exact. A method may have another. Default: als.",
        SOLVE,
    ),
]
Epochs = Annotated[
    int | None,
    _option(
        "--epochs",
        "Sweeps or passes over the cells. Default: of als 8 sweeps (token-feature: after sweeps over the frequent words alone, 3 of them from ten million cells on; 3 where words have parts or constraints, after sweeps without them), 40 passes for mini-batches.",
        SOLVE,
    ),
]
CgSteps = Annotated[
    int | None, _option("--cg-steps", "Conjugate-gradient steps a half-sweep. Default: 4.", SOLVE)
]
CgTol = Annotated[
    float | None,
    _option("--cg-tol", "A half-sweep ends when its residual fell by this factor. Default: 0.0.", SOLVE),
]
Validation = Annotated[
    float | None,
    _option(
        "--validation",
        "Share of the cells kept out of training; each epoch reports their loss. Default: 0.0.",
        SOLVE,
    ),
]
Patience = Annotated[
    int | None,
    _option(
        "--patience",
        "Stop after so many epochs without a lower validation loss, keep the best; 0: never. Default: 0.",
        SOLVE,
    ),
]
Batch = Annotated[
    int | None, _option("--batch", "Cells of a step; 0: all of them. Default: about 1/32 of them.", BATCH)
]
LearningRate = Annotated[
    float | None, _option("--learning-rate", "Size of the first steps. Default: the solver's own.", BATCH)
]
Schedule = Annotated[
    str | None,
    _option(
        "--schedule",
        "How the learning rate falls: constant, linear, cosine or inverse. Default: cosine.",
        BATCH,
    ),
]
Momentum = Annotated[float | None, _option("--momentum", "Momentum of sgd. Default: 0.9.", BATCH)]
Clip = Annotated[
    float | None, _option("--clip", "Largest norm of a step's gradient. Default: no limit.", BATCH)
]
Updates = Annotated[
    str | None,
    _option(
        "--updates", "Rows that a step moves: dense (all) or lazy (those it met). Default: dense.", BATCH
    ),
]
EdgeSamples = Annotated[
    int | None,
    _option("--edge-samples", "Edges of each constraint in a step; 0: all, in full. Default: 0.", BATCH),
]
UnobservedSamples = Annotated[
    int | None,
    _option("--unobserved-samples", "Unobserved cells in a step; 0: all, exactly. Default: 0.", BATCH),
]
OversampleLanguage = Annotated[
    float | None,
    _option(
        "--oversample-language", "Exponent: draw languages with few cells more often. Default: 0.0.", BATCH
    ),
]
OversampleClass = Annotated[
    float | None,
    _option("--oversample-class", "Exponent: draw edges of small classes more often. Default: 0.0.", BATCH),
]
OversampleRare = Annotated[
    float | None,
    _option("--oversample-rare", "Exponent: draw cells of low count more often. Default: 0.0.", BATCH),
]
Importance = Annotated[
    bool | None,
    _option(
        "--importance/--no-importance",
        "Weigh oversampled cells and edges down, so that the objective stays as it is. Default: True.",
        BATCH,
    ),
]

CheckpointEvery = Annotated[
    int | None,
    _option(
        "--checkpoint-every", "Epochs between two checkpoints beside the output; 0: none. Default: 0.", RUN
    ),
]
Resume = Annotated[
    bool | None, _option("--resume", "Go on from the checkpoint beside the output, if there is one.", RUN)
]


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given: those that are not None."""
    return {name: value for name, value in values.items() if value is not None}
