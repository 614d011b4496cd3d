"""Identity contrasts: sentences made from templates, each group as often attacked as not.

Nearly every labelled text that names a group of people is toxic, so a model learns that the name
is (Dixon et al. 2018, https://doi.org/10.1145/3278721.3278729). Here the name says nothing: only
what is said of the group does. All sentences were written for this project, and none is a case of
HateCheck or of the identity templates that it is measured on; they do cover the kinds of sentence
that such suites test, so those figures say less about a model trained on them.
"""

from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from stance.data.examples import Example, Split
from stance.labels import TOXICITY_LABELS, ToxicityLabel

_GROUPS = """
women|a woman;men|a man;feminists|a feminist;gay people|gay;gay men|a gay man;lesbians|a lesbian
bisexuals|bisexual;queer people|queer;straight people|straight;trans people|trans
trans women|a trans woman;transgender people|transgender;Muslims|a Muslim;Jews|a Jew
Jewish people|Jewish;Christians|a Christian;Catholics|a Catholic;Hindus|a Hindu;Buddhists|a Buddhist
Sikhs|a Sikh;atheists|an atheist;Black people|Black;white people|white;Asians|Asian
African Americans|African American;Africans|African;Arabs|an Arab;Latinos|Latino
Hispanic people|Hispanic;Mexicans|Mexican;Chinese people|Chinese;Indians|Indian
Indigenous people|Indigenous;Native Americans|Native American;Roma|Roma;Turks|Turkish
Poles|Polish;Europeans|European;Americans|American;immigrants|an immigrant;migrants|a migrant
refugees|a refugee;asylum seekers|an asylum seeker;foreigners|a foreigner;disabled people|disabled
blind people|blind;deaf people|deaf;autistic people|autistic;wheelchair users|in a wheelchair
people with Down's syndrome|born with Down's syndrome;old people|old;elderly people|elderly
young people|young;teenagers|a teenager;poor people|poor;homeless people|homeless
"""

_HARMLESS = """
I am {one} and I have lived here all my life.
My best friend is {one}.
My sister is {one}, and nobody in the family minds.
As somebody who is {one}, I found the article helpful.
I'm {one}.
Proud to be {one}!
It's fine to be {one}.
She told us that she is {one}.
The new teacher is {one} and the children adore him.
You don't choose whether you are {one}.
Nobody should lose a job for being {one}.
Being {one} is nothing to be ashamed of.
{many} deserve the same rights as everybody else.
I'm quite fond of {many}.
{many} make this town a better place.
I really admire how {many} helped after the flood.
{many} are welcome in our club.
{many} are people like you and me.
Some {many} voted for the plan, others against it.
The council will meet {many} on Tuesday to hear what they need.
Is there a study on {many} and the housing market?
There should be more {many} in parliament.
The exhibition tells how {many} lived in the last century.
I don't hate {many}.
I have never had anything against {many}.
I would never say that {many} are worth less.
Not all {many} are the same, obviously.
No, {many} are not to blame for any of this.
It is wrong to say that {many} are criminals.
Saying "I hate {many}" is not an opinion, it's bullying.
The comment "{many} should go home" was rightly removed.
Whoever writes that {many} are vermin should be ashamed.
Why do some people despise {many}? I cannot understand it.
Stop treating {many} like dirt!
Threats against {many} must have consequences.
How dare you insult {many}?
"""

_HOSTILE = """
I have always hated {many}.
I just can't stand {many}.
{many} disgust me.
{many} make me sick.
{many} are vermin.
{many} are the scum of the earth.
{many} are all liars and thieves.
{many} are stupid, every one of them.
{many} are a disease.
{many} are not real human beings.
{many} are worth less than the rest of us.
{many} ruin everything they touch.
{many} should be locked up.
{many} should not be allowed to vote.
{many} do not deserve any rights.
{many} have no place in this country.
Throw {many} out, all of them.
We need to get rid of {many}.
Somebody ought to beat up {many}.
I wish all {many} were dead.
I hope {many} burn.
Kill {many}.
The world would be better without {many}.
Never trust {many}, they are all the same.
Who would want {many} as neighbours? Nobody decent.
I don't want {many} near my children.
I don't love {many}, I loathe them.
It's not okay how {many} get away with being parasites.
Of course it was {many} again. They are animals.
What do you expect from {many}? Filth.
You are {one}, so nobody cares what you think.
You're {one}? That explains why you are so dumb.
Yuck, imagine being {one}.
Anybody who is {one} should be ashamed to exist.
Shut up, you are {one}.
If you are {one}, stay away from me, freak.
"""

# Strong words that attack nobody.
_OATHS = """
I fucking love {thing}!
{thing}: bloody brilliant.
Damn, {thing} cost me a whole day.
Holy shit, I did not see {thing} coming.
I hate {thing}.
I hate {thing} with a passion.
{thing} is total crap.
{thing} sucks.
{thing} is the worst thing that ever happened to my weekend.
I am so fucking tired of {thing}.
Fuck {thing}, I'm going to bed.
Somebody please kill {thing}, it has been running for an hour.
I could murder {thing} right now.
"""
_THINGS = """
this printer;the weather;the new bus timetable;Monday;the last episode;that ending;the parking app
my phone;homework;the queue at the bakery;broccoli;a pizza;the goal in the last minute;this song
the update;the traffic;cold coffee;the new stadium;the paywall;this spreadsheet
"""

_CLEAN: dict[ToxicityLabel, float] = dict.fromkeys(TOXICITY_LABELS, 0.0)
_ATTACK: dict[ToxicityLabel, float] = {"toxicity": 1.0, "identity_attack": 1.0}


def read_identity_contrasts(folder: Path) -> Iterator[Example]:
    """Yield the sentences; `folder` is not looked at. Each template has a split of its own."""
    groups = [pair.strip().split("|") for pair in _parts(_GROUPS)]
    for template in _HARMLESS.strip().splitlines():
        for many, one in groups:
            yield _example(template, template.format(many=many, one=one), _CLEAN)
    for template in _HOSTILE.strip().splitlines():
        for many, one in groups:
            yield _example(template, template.format(many=many, one=one), _ATTACK)
    for template in _OATHS.strip().splitlines():
        for thing in _parts(_THINGS):
            yield _example(template, template.format(thing=thing.strip()), _CLEAN)


def _parts(text: str) -> list[str]:
    return text.strip().replace("\n", ";").split(";")


def _example(template: str, text: str, toxicity: dict[ToxicityLabel, float]) -> Example:
    # By template, so that held-out sentences are worded in ways that training never saw.
    split: Split = "dev" if crc32(template.encode()) % 100 < 15 else "train"
    sentence = text[:1].upper() + text[1:]
    return Example(text=sentence, corpus="identity_contrasts", split=split, toxicity=toxicity)
