//! The transcript of a meeting of two hours: who said what when, about 19,000 words at 160 a minute.

use super::chance::Chance;

/// The document that it is in.
pub(super) const DOCUMENT: &str = "doxcnT5kQe81LwZr0bUyXaMvPHc";

/// Words of speech.
const WORDS: usize = 19_000;
/// Words that are said in a minute.
const PACE: usize = 160;

const PEOPLE: [&str; 5] = [
    "Dana Whitfield",
    "Marco Ruiz",
    "Priya Nair",
    "Jonas Beck",
    "Lena Hoffmann",
];

/// What is spoken of, for about ten minutes each.
const TOPICS: [[&str; 4]; 12] = [
    [
        "the rollout plan",
        "the pilot group",
        "the first warehouse",
        "the second phase",
    ],
    [
        "single sign-on",
        "the identity provider",
        "group mapping",
        "the admin accounts",
    ],
    [
        "the data migration",
        "the old order history",
        "the export from the mainframe",
        "duplicate customers",
    ],
    [
        "the price model",
        "the volume discount",
        "the three-year term",
        "the overage clause",
    ],
    [
        "the SAP connector",
        "the nightly batch",
        "the decimal rounding",
        "the material numbers",
    ],
    [
        "data residency",
        "the Frankfurt region",
        "the sub-processors",
        "the retention rules",
    ],
    [
        "the support contract",
        "the response times",
        "weekend coverage",
        "the named contact",
    ],
    [
        "training",
        "the shift leads",
        "the handheld scanners",
        "the short videos",
    ],
    [
        "reporting",
        "the weekly dashboard",
        "the service level figures",
        "the export to Excel",
    ],
    [
        "the security review",
        "the penetration test",
        "the audit log",
        "the open findings",
    ],
    [
        "the integration with the carriers",
        "the label printer",
        "the tracking events",
        "the returns process",
    ],
    [
        "next steps",
        "the order form",
        "the steering committee",
        "the go-live date",
    ],
];

const SENTENCES: [&str; 64] = [
    "So on {t}, the short version is that we are about {p} percent there and the rest depends on {u}.",
    "I spoke with {w} on {d} and they are fine with it as long as {u} does not move again.",
    "Can we come back to {t} for a second, because I do not think we answered the question.",
    "What worries me is {u}, since the last time we did this it took us {n} weeks and nobody had planned for it.",
    "Right, and to be fair, that was before we had {t} sorted out.",
    "My understanding was that {w} owns that, not us, but I am happy to take it if it helps.",
    "We have {m} sites in total, and only {n} of them are affected by this.",
    "If I look at the numbers from {d}, it is closer to {m} a day than to what is in the deck.",
    "Let me share my screen, one moment. Okay, can everybody see that?",
    "Yes, we can see it.",
    "That is helpful, thank you.",
    "I would rather be honest about it now than explain it in {mo}.",
    "The way we handled {t} at the other customer was to run both systems side by side for {n} weeks.",
    "How long did that take in practice?",
    "About {n} weeks, plus a bit of cleaning up afterwards.",
    "Okay, so let us say {mo} to be safe, and we tell the board {mo2}.",
    "From our side the only hard requirement is that {u} keeps working during the switch.",
    "Our people start at five in the morning, so anything that needs a restart has to happen before that.",
    "Is that something that is in the product today, or is it on the roadmap?",
    "It is in the product today, but you have to switch it on per workspace.",
    "I will send you the page that describes it, it is easier than me explaining it.",
    "The question from procurement was whether {t} is included or whether it comes on top.",
    "It is included up to {m} thousand transactions a month, and above that we charge per thousand.",
    "Sorry, I was on mute. What I wanted to say is that {w} has to sign off on this as well.",
    "We did a test with {m} records on {d} and it went through without a single error, which surprised me, frankly.",
    "There were {n} errors, and all of them were about {u}.",
    "I can take that as an action item.",
    "Please do, and copy {w}, otherwise it gets lost.",
    "So who decides on {t} in the end, is it you or is it {w}?",
    "Formally it is {w}, but nobody is going to overrule the people on the floor.",
    "One thing that I keep hearing from the shift leads is that {u} is too slow when everybody logs in at once.",
    "Do we have figures for that, or is it a feeling?",
    "We have figures, it takes {n} seconds at six o'clock and under one second at ten.",
    "That sounds like the same thing that we fixed in the release of {mo}.",
    "Then we should make sure that they are on that release before we measure again.",
    "Agreed, and I would write it down like that in the minutes.",
    "Regarding {t}, legal sent back the draft with {n} comments, and most of them are small.",
    "The one that is not small is about {u}.",
    "I think there is a misunderstanding, because nobody said that {t} would be done by {mo}.",
    "Well, it says so on slide {n}.",
    "Okay, fair enough, then that slide is wrong and I apologise for it.",
    "No problem, as long as we all leave here with the same date.",
    "What would you need from us to bring that forward by {n} weeks?",
    "Two people who know {u}, and access to the test system from {d} on.",
    "The access I can arrange, the two people I have to ask for.",
    "In terms of budget we have set aside {m} thousand for this year, including {t}.",
    "And that does not include travel, I assume?",
    "It does not include travel, no.",
    "Could you remind me why we do {u} before {t} and not the other way around?",
    "Because without it we would have to enter everything twice, and people will not do that for {n} weeks.",
    "I have a slightly different view, but I can live with it.",
    "Let us park that and take it offline, otherwise we do not get through the list.",
    "The auditors asked for evidence of {u}, and a screenshot was not good enough for them.",
    "We can give them an export, signed, with the time of every change.",
    "That would make {w} very happy.",
    "If {t} slips, then everything behind it slips as well, so I would keep {n} weeks of reserve.",
    "I would not put that in the plan as reserve, because then somebody takes it out.",
    "Ha, yes, call it acceptance testing.",
    "Just so that I can repeat it to my boss in one sentence, what is the risk with {u}?",
    "The risk is that we find out in {mo} what we could have found out on {d}.",
    "Good, I think that is a decision, is everybody okay with that?",
    "No objections from me.",
    "Then I note it as decided, {t} as proposed, owner is {w}, due by the end of {mo}.",
    "Before we move on, is there anything else about {t} that has to be said?",
];

const OTHERS: [&str; 8] = [
    "Karin from finance",
    "the works council",
    "Oliver's team",
    "the head of logistics",
    "our data protection officer",
    "Stefan in Rotterdam",
    "the integration partner",
    "your solution architect",
];
const DAYS: [&str; 5] = [
    "Monday",
    "Tuesday",
    "last Thursday",
    "Friday morning",
    "the twelfth",
];
const MONTHS: [&str; 6] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "the third quarter",
];

/// The text, a line for each time that somebody speaks.
pub(super) fn transcript() -> String {
    let mut chance = Chance(7);
    let mut text = String::from(
        "Halvorsen Logistics: commercial and technical alignment\n19 November 2026, 14:00-16:00 CET\n\n",
    );
    let (mut said, mut before) = (0, usize::MAX);
    while said < WORDS {
        let seconds = said * 60 / PACE;
        let mut who = chance.below(PEOPLE.len());
        if who == before {
            who = (who + 1) % PEOPLE.len();
        }
        before = who;
        let topic = TOPICS
            .get(said * TOPICS.len() / WORDS)
            .copied()
            .unwrap_or_default();
        let speech: Vec<String> = (0..1 + chance.below(4))
            .map(|_| sentence(&mut chance, &topic))
            .collect();
        let speech = speech.join(" ");
        said += speech.split_whitespace().count();
        let name = PEOPLE.get(who).copied().unwrap_or("");
        let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        text.push_str(&format!(
            "[{hours:02}:{minutes:02}:{seconds:02}] {name}: {speech}\n"
        ));
    }
    text
}

fn sentence(chance: &mut Chance, topic: &[&str; 4]) -> String {
    let template = chance.of(&SENTENCES);
    let first = chance.below(4);
    let second = (first + 1 + chance.below(3)) % 4;
    let of = |n: usize| topic.get(n).copied().unwrap_or("");
    template
        .replace("{t}", of(first))
        .replace("{u}", of(second))
        .replace("{w}", chance.of(&OTHERS))
        .replace("{d}", chance.of(&DAYS))
        .replace("{mo2}", chance.of(&MONTHS))
        .replace("{mo}", chance.of(&MONTHS))
        .replace("{p}", &(40 + chance.below(56)).to_string())
        .replace("{n}", &(2 + chance.below(19)).to_string())
        .replace("{m}", &(10 * (3 + chance.below(40))).to_string())
}
