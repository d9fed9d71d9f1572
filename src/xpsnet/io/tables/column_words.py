# ruff: noqa: RUF001 (letters of other alphabets)
"""What the label of a column says: energy, counts, error, background, another quantity, ...

All words and units that the reader of tables knows are here, in English, German, French, Spanish,
Italian, Portuguese, Russian, Chinese, Japanese and Korean; those of the energy scale and of rates
are in `xpsnet.io.common.labels`, which other readers use, too.
"""

import re
import unicodedata
from typing import NamedTuple

from xpsnet.io.common.labels import is_energy_label, scale_of_label, units_of_label
from xpsnet.io.common.region_names import find_region


class Evidence(NamedTuple):
    """What a label says.

    `kind` is "energy", "counts", "error", "residual", "processed", "background", "envelope",
    "component", "total", "channel", "scan", "index", "place", "other", "region" or "" for a label
    without a known word.
    """

    kind: str
    scale: str | None = None
    factor: float = 1.0  # to eV, to counts
    sign: int = 1  # -1: energies counted from the Fermi level upwards
    units: str = ""
    what: str = ""  # quantity of the kind "other"


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_ERROR = _words(
    r"\b(?:errors?|err|std|st\.? ?dev\w*|standard dev\w*|sigma|uncertaint\w*|fehler|"
    r"unsicherheit)\b",
    r"\b(?:standardabweichung|erreurs?|incertitude|[eé]cart[- ]type|desv\w*|incertidumbre|"
    r"errore)\b",
    r"\b(?:incertezza|erro|y ?err)\b|yerr|^(?:d|Δ|delta|u|err) ?(?:i|y|int|intensity|"
    r"counts?|cps)$",
    r"^[dδΔ] ?[yi]$|^σ|σ$|±",
    r"誤差|误差|不确定|標準偏差|标准差|오차|ошибк|погрешн",
)
_RESIDUAL = _words(
    r"resid|résid|rückstand|残差|잔차|остат|невязк",
    r"^(?:difference|diff\.?|differenz|différence|diferencia|differenza|delta|Δ)$",
)
_PROCESSED = _words(
    r"subtract|\bsub\b|\bsubtr\b|\bminus\b|\bcorrected\b|korrigiert|- ?(?:bg|bkg|"
    r"background|baseline)\b|"
    r"\bremoved\b|abgezogen|bereinigt|soustrai|sottratt|sustra",
    r"扣除|差し引|вычет|\bnorm\b|normali[sz]|normiert|归一|規格化|정규화|нормир",
    r"smooth|geglättet|lissé|suavizad|平滑|сглаж",
)
_BACKGROUND = _words(
    r"backg|\bb(?:ac)?k?gr?n?d\b|\bbg\d*\b|\bbkg\w{0,2}\b|\bbase ?line\b|untergrund|hintergrund",
    r"grundlinie|\bfond\b|ligne de base|\bfondo\b|l[ií]nea (?:de )?base|linea di base",
    r"shirley|tougaard|背景|背底|本底|基线|基線|バック|ベースライン|배경|фон|базов",
)
_ENVELOPE = _words(
    r"envelope|enveloppe|inviluppo|envolvente|einh[üu]llende|h[üu]llkurve",
    r"\bsum ?fit|fit ?sum\b|peaks? sum\b|sum of (?:the )?(?:peaks|components|fit)|cumulati",
    r"\bbest ?fit|\btotal ?fit|\boverall ?fit|\bfit ?total",
    r"^(?:the )?(?:fit|fitted|fitting|model|modell|modèle|modelo|simulation|simulated|synth\w*|"
    r"calc\w*|y ?fit|anpassung|ajuste|ajustement|yhat)(?: (?:curve|line|data|intensity|y))?$",
    r"^fit\b[^0-9]*$|拟合|フィット|包络|包絡|エンベロープ|모델|модель|аппрокс|огибающ",
)
_COMPONENT = _words(
    r"^(?:fit )?(?:peak|pk|comp(?:onent|\.)?|komponente|composante|componente|pic|pico|"
    r"picco|g|gl|p|"
    r"gauss(?:ian)?|lorentz(?:ian)?|voigt|doublet|峰|ピーク|成分|피크|пик|"
    r"компонент\w*)[ #:.-]*\d+(?:\b.*)?$",
    r"^(?:fit )?peaks?$|component|komponente|composante|компонент|成分",
)
_TOTAL = _words(
    r"^(?:sum|total|summe|gesamt|somme|suma|totale|somma|mean|average|mittel(?:wert)?|"
    r"moyenne|media|"
    r"合计|合計|总和|总计|平均|сумма|среднее|합계|평균)(?: (?:of |all |"
    r"over )*(?:the )?(?:counts?|channels|"
    r"scans|sweeps|intensity))?$"
)
_CHANNEL = re.compile(
    r"(?:ch|chan|channel|channeltron|det|detector|detektor|cem|kanal|canal)\.?[ #:.-]*\d+",
    re.IGNORECASE,
)
_SCAN = re.compile(r"(?:sweep|scan|run)[ #]{0,3}\d{1,6}", re.IGNORECASE)
_INDEX = _words(
    r"index|idx|#|№|n[or]\.?|n°|number|num|id|data ?points?|points?|pts?|rows?|line|channels?|ch",
    r"step|kanal|canal|punkt|zeile|lfd\.? ?nr\.?|unnamed: ?\d+",
    r"序号|编号|番号|点|通道|チャンネル|번호|채널|номер|точка|канал",
)
_PLACE = re.compile(r"(?:map|stage|sample|pos(?:ition)?)? ?([xyz])(?: ?pos\w*)?", re.IGNORECASE)
_COUNTS = _words(
    r"count|\bk?cps\b|\bk?cts\b|intens|zählrate|zaehlrate|zählimp|impulse\b|coups|"
    r"comptage|cuentas",
    r"conteo|conteggi|contagens|强度|強度|计数|計数|カウント|세기|강도|계수|интенс|отсч|"
    r"имп\b|имп/|сч[её]т",
)
_WEAK_COUNTS = _words(
    r"signal|yield|\braw\b|\bdata\b|\bdaten\b|spectrum|spektrum|spectre|espectro|spettro|"
    r"\ba\. ?u\.",
    r"\barb\b|rohdaten|\bbrut|messw|gemessen|measured|\bexp\b|experiment|ordinate|^[in]$|"
    r"^[in] ?\(e\)|信号|信號|シグナル",
    r"データ|谱|신호|сигнал|данные|спектр",
)
_VBM = _words(
    r"vbm|valence ?band ?(?:max|edge|top)|valenzbandmax|e ?- ?e ?vb?m?\b|价带顶|価電子帯|валентн"
)
_FERMI = re.compile(r"fermi|ферми|费米|フェルミ|페르미|\be ?- ?e ?f\b", re.IGNORECASE)
_TO_FERMI = re.compile(r"(?:\be ?f|fermi(?: level| energy)?) ?- ?e\b(?! ?f)", re.IGNORECASE)
# Energies in eV that electrons do not have.
_OTHER_ENERGIES = {
    "photon energy": _words(
        r"photon|hν|\bh ?[vn]\b|\bpe\b|excitation|anregung|incident|beam ?energy|"
    r"mono(?:chromator)? ?e"
        , r"光子|励起|光エネ|광자|фотон|возбужд"
    ),
    "width, shift or place of a peak": _words(
        r"fwhm|hwhm|\bwidth\b|breite|largeur|anchura|半値幅|半高宽|(?<!raman )\bshift|splitting|"
    r"\bstep\b|\bcent(?:er|re)\b"
    ),
    "pass energy": _words(r"\bpass|analy[sz]er energy"),
    "energy loss": _words(r"\bloss\b|verlust|perte|p[ée]rdida|perdita|损失|損失|손실|потер"),
}  # fmt: skip
_OTHER_WORDS = {
    "Raman shift": r"raman|拉曼|ラマン|라만|раман",
    "wavenumber": r"wave ?number|wellenzahl|nombre d'onde|n[uú]mero de onda|波数|파수|волновое",
    "wavelength": r"wave ?length|wellenlänge|longueur d'onde|longitud de onda|lunghezza d'onda|"
    r"波长|波長|파장|длина волны",
    "angle": r"angle|winkel|[aá]ngulo|angolo|theta|θ|\bpolar\b|azimut|角|각도|угол|"
    r"\btilt\b|\bphi\b",
    "time": r"\btime\b|zeit\b|\btemps\b|tiempo|\btempo\b|时间|時間|時刻|시간|время|"
    r"\betch|\bsputter",
    "temperature": r"temperatur|température|温度|온도|температура",
    "depth": r"\bdepth|\btiefe|profond|profundidad|thickness|\bdicke|深度|深さ|厚|깊이|"
    r"глубина|толщина",
    "position": r"\bposition\b|\bdistance\b|abstand|位置|距离|距離|위치|положение|расстояние",
    "pressure": r"\bpressure|\bdruck\b|pression|压力|圧力|давление",
    "current": r"\bcurrent\b|\bstrom\b|courant|corriente|corrente|电流|電流|전류|\bi ?0\b|"
    r"\bmesh\b|"
    r"\bflux\b|ток\b",
    "voltage": r"\bvoltage|\bspannung|\bbias\b|\btension\b|电压|電圧|전압|напряж",
    "frequency": r"frequen[cz]|fréquence|frecuencia|频率|周波数|주파수|частота",
    "mass": r"\bmass\b|m/z|\bmasse\b",
    "dwell time": r"\bdwell",
    "number of scans": r"\bn ?scans\b|number of (?:scans|sweeps)|\bscans\b|\bsweeps\b",
    "transmission": r"transmission|透過|透射",
}  # fmt: skip
_OTHER_PATTERNS = {what: re.compile(text, re.IGNORECASE) for what, text in _OTHER_WORDS.items()}
_OTHER_UNITS = {
    "wavenumber": r"cm\^?-1|1/cm|cm\^\{-1\}",
    "wavelength": r"nm",
    "angle": r"deg\.?|degrees?|°|grad|m?rad|度",
    "time": r"s|sec\.?|seconds?|ms|min|minutes?|h|hours?|秒|分|초|с|сек",
    "temperature": r"K|°C|℃|degC",
    "length": r"mm|[µμu]m|Å|A?ngstr[oö]ms?",
    "voltage": r"m?V",
    "current": r"[pnµμm]A",
    "pressure": r"m?bar|Torr|k?Pa",
    "frequency": r"[kMGT]?Hz",
    "mass": r"amu|u|m/z",
    "fraction": r"at\.? ?%|%",
}
_UNIT_PATTERNS = {
    what: re.compile(rf"(?:^|[\[(/,|]|\bin )\s*(?:{units})\s*[\])]?$| (?:{units})(?<! [A-Za-z])$")
    for what, units in _OTHER_UNITS.items()
}
_EV = re.compile(r"(?<![A-Za-zА-я])([kKmM]?)(?:[eE][vV]|эВ)(?![A-Za-zА-я])")
_NUMBER_OF_EV = re.compile(r"\d ?[km]?eV|\bh ?[vν] ?= ?\d", re.IGNORECASE)
_BE_KE = re.compile(r"(?<![A-Za-z])([BK])\.?E\.?(?![A-Za-z])")
_THOUSANDS = re.compile(
    r"\bk(?:cps|cts|counts?|c/s)\b|[x×*·] ?(1000|1e\d|10 ?\^? ?\{?\d\}?)|"
    r"\b(10 ?\^ ?\{?\d\}?|1e\d) "
    r"?(?:counts?|cps|cts|c/s)",
    re.IGNORECASE,
)
_NUMBERS_OF_UNITS = re.compile(r"2 ?(?:theta|θ)|cm\^?\{?-1|1/cm|\bi ?0\b", re.IGNORECASE)
UNITS_ONLY = re.compile(
    r"[\[(]?\s*(?:[kmM]?eV|эВ|counts?|cts|[kM]?cps|c/s|counts?/s(?:ec)?|counts? s\^?-1|"
    r"a\.? ?u\.?|"
    r"arb\.? ?u(?:nits?)?\.?|imp/s|cm\^?-1|1/cm|nm|s|sec|min|°|deg|K|mm|[µμ]m|%|)\s*[\])]?",
    re.IGNORECASE,
)


_FWHM = re.compile(r"fwhm|halbwertsbreite|mi-hauteur|半値幅|半高宽|반치폭", re.IGNORECASE)
_OF_PEAKS = re.compile(
    r"\barea|\bheight|at\.? ?%|atomic|fläche|\baire\b|\bárea|amplitude|\bshare\b|percent|"
    r"面积|面積|峰高",
    re.IGNORECASE,
)


def is_table_of_peaks(labels: list[str]) -> bool:
    """Whether labels name the width of peaks and their area, height or share."""
    texts = [plain_label(label) for label in labels[:200]]
    return any(map(_FWHM.search, texts)) and any(map(_OF_PEAKS.search, texts))


# Words that show which encoding of another alphabet a text is in.
NATIVE = re.compile(
    r"结合能|動能|动能|能量|强度|强度|计数|結合エネ|運動エネ|エネルギー|強度|カウント|"
    r"에너지|세기|강도|"
    r"энерги|интенсивн|отсч[её]т|связи",
    re.IGNORECASE,
)


def plain_label(label: str) -> str:
    """A label with one kind of letters, minus and blank."""
    text = unicodedata.normalize("NFKC", label).replace("_", " ")
    text = re.sub("[\u2010-\u2015\u2212]", "-", text)
    return " ".join(text.split())


def evidence(label: str, units: str = "") -> Evidence:
    """What a label, and the units that stand in a row of their own, say.

    Parameters
    ----------
    label : str
    units : str
        Empty where the label holds them.

    Returns
    -------
    Evidence
    """
    text = plain_label(f"{label} {units}" if units else label)
    if not text:
        return Evidence("")
    bare = text.strip(" .:")
    for kind, words in (
        ("error", _ERROR), ("residual", _RESIDUAL), ("processed", _PROCESSED),
        ("background", _BACKGROUND), ("envelope", _ENVELOPE), ("component", _COMPONENT),
    ):  # fmt: skip
        if words.search(bare) and not (kind == "processed" and _energy(text)):
            return Evidence(kind, factor=_counts_factor(text), units=units_of_label(text) or "")
    return _energy(text) or _quantity(text, bare)


def _energy(text: str) -> Evidence | None:
    """Evidence of a label of energies; None if it is none."""
    if _VBM.search(text):
        return Evidence("other", what="energy relative to the valence band maximum")
    if _COUNTS.search(text):
        return None
    factor = _ev(text)
    marked = _BE_KE.search(text)
    if find_region(text) and not marked and not _EV.search(text):
        return None  # "Be 1s" is beryllium
    scale = scale_of_label(text) or (
        {"B": "binding", "K": "kinetic"}[marked[1]] if marked else None
    )
    both = bool(re.search("bind", text, re.IGNORECASE) and re.search("kinet", text, re.IGNORECASE))
    peaks = _OTHER_ENERGIES["width, shift or place of a peak"].search(text)
    if scale and not both and not peaks:
        return Evidence("energy", scale, factor)
    if _TO_FERMI.search(text):
        return Evidence("energy", "binding", factor)
    if _FERMI.search(text):
        return Evidence("energy", "binding", factor, sign=-1)
    if _NUMBER_OF_EV.search(text):
        return None  # "hv = 180 eV" tells where a spectrum was measured
    for what, words in _OTHER_ENERGIES.items():
        if words.search(text):
            return Evidence("other", what=what)
    if is_energy_label(text) or text == "E":
        return Evidence("energy", None, factor)
    return None


def _quantity(text: str, bare: str) -> Evidence:
    """Evidence of a label of anything but energies."""
    factor = _counts_factor(text)
    units = units_of_label(text) or ""
    if place := _PLACE.fullmatch(bare):
        return Evidence("place", what=place[1].lower())
    if _INDEX.fullmatch(bare):
        return Evidence("index")
    for kind, pattern in (("channel", _CHANNEL), ("scan", _SCAN)):
        if pattern.fullmatch(bare):
            return Evidence(kind, factor=factor, units=units)
    if _TOTAL.search(bare):
        return Evidence("total", factor=factor, units=units)
    if _COUNTS.search(text):
        return Evidence("counts", factor=factor, units=units)
    # "Etch time [s]" is a quantity, "etched 60 s" the name of a spectrum.
    if not re.search(r"\d", _NUMBERS_OF_UNITS.sub("", text)):
        for what, words in (*_OTHER_PATTERNS.items(), *_UNIT_PATTERNS.items()):
            if words.search(text):
                return Evidence("other", what=what)
    if _WEAK_COUNTS.search(text):
        return Evidence("counts", factor=factor, units=units)
    return Evidence("region") if find_region(bare) else Evidence("")


def _ev(text: str) -> float:
    """Factor from the stated unit to eV."""
    match = _EV.search(text)
    prefix = match[1] if match else ""
    return {"k": 1e3, "K": 1e3, "m": 1e-3, "M": 1e6}.get(prefix, 1.0)


def _counts_factor(text: str) -> float:
    """Factor from stated thousands ("kcps", "Counts (x1000)") to counts."""
    match = _THOUSANDS.search(text)
    if match is None:
        return 1.0
    stated = match[1] or match[2]
    if not stated:
        return 1e3
    digits = re.sub(r"[^0-9e]", "", stated.lower())
    if digits == "1000":
        return 1e3
    power = digits.split("e")[1] if "e" in digits else digits[2:]
    return float(10 ** int(power or 0))
