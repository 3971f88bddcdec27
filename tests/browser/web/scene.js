/** What has happened before somebody looks: by name, as `?scene=` of the page says. */

const HOUR = 3600 * 1000;
const MINUTE = 60 * 1000;
const ago = (milliseconds) => new Date(Date.now() - milliseconds);

function people(client) {
  client.contact("juliet@verona.test", { name: "Juliet Capulet", status: "On the balcony" });
  client.contact("nurse@verona.test", { name: "", show: "away", status: "At the market" });
  client.contact("mercutio@verona.test", { name: "Mercutio", show: "dnd", status: "Queen Mab is with me" });
  client.contact("benvolio@verona.test", { name: "Benvolio" });
  client.contact("laurence@verona.test", { name: "Friar Laurence", here: false });
  client.contact("rosaline@verona.test", { name: "", here: false, subscription: "none", ask: true });
  client.tell("contacts");
}

function talk(client) {
  const chat = "juliet@verona.test";
  const say = (mine, when, body, more = {}) => client.hear({ chat, mine, time: ago(when), body, receipt: mine ? "received" : "none", ...more });
  say(false, 26 * HOUR, "What man art thou that thus bescreen’d in night so stumblest on my counsel?", { delayed: true });
  say(true, 26 * HOUR - MINUTE, "By a name I know not how to tell thee who I am.");
  say(true, 26 * HOUR - 2 * MINUTE, "My name, dear saint, is hateful to myself.");
  say(false, 30 * MINUTE, "How cam’st thou hither, tell me, and wherefore? The orchard walls are high and hard to climb, and the place death, considering who thou art, if any of my kinsmen find thee here.");
  say(true, 28 * MINUTE, "With love’s light wings did I o’erperch these walls.");
  say(false, 27 * MINUTE, "They will see https://verona.test/orchard/walls?height=3 (the plan), and murder thee.");
  say(false, 27 * MINUTE, "<b>Not bold</b> & <img src=x onerror=alert(1)>");
  say(true, 20 * MINUTE, "I have night’s cloak to hide me from their eyes;\nAnd but thou love me, let them find me here.");
  say(true, 2 * MINUTE, "What shall I swear by?", { receipt: "asked" });
  const lost = say(true, MINUTE, "Lady, by yonder blessed moon I vow", { receipt: "asked" });
  client.tell("failed", { chat, id: lost.id, error: { condition: "recipient-unavailable" } });
}

function street(client) {
  const jid = "verona@conference.verona.test";
  const room = client.room(jid, { subject: "A public place. No swords, please, by order of the Prince." });
  client.occupant(room, "Escalus", { affiliation: "owner", role: "moderator" });
  client.occupant(room, "Benvolio", { affiliation: "member", status: "Parting fools" });
  client.occupant(room, "Tybalt", { show: "dnd" });
  client.occupant(room, "Peter", { role: "visitor", show: "away" });
  client.tell("subject", { room, subject: room.subject, by: "" });
  const say = (nick, when, body, more = {}) => client.hear({ chat: jid, nick, time: ago(when), body, type: "groupchat", ...more });
  say("Sampson", 3 * HOUR, "Do you bite your thumb at us, sir?", { delayed: true });
  say("Abraham", 3 * HOUR - MINUTE, "I do bite my thumb, sir.", { delayed: true });
  say("Benvolio", 12 * MINUTE, "Part, fools! Put up your swords; you know not what you do.");
  say("Tybalt", 10 * MINUTE, "What, art thou drawn among these heartless hinds? Turn thee, Benvolio, look upon thy death.");
  say("Tybalt", 10 * MINUTE, "/me draws his sword");
  say("romeo", 8 * MINUTE, "I do protest I never injured thee.", { mine: true });
  say("Tybalt", 5 * MINUTE, "Romeo, the love I bear thee can afford no better term than this: thou art a villain.");
  say("Escalus", MINUTE, "Rebellious subjects, enemies to peace!");
}

function asked(client) {
  client.tell("subscription", { jid: "paris@verona.test", nick: "County Paris", text: "We have met at the feast." });
  client.tell("invitation", { room: "feast@conference.verona.test", from: "capulet@verona.test", reason: "An old accustomed feast" });
}

export const scenes = {
  empty: () => {},
  people,
  busy: (client) => {
    people(client);
    talk(client);
    street(client);
    client.hear({ chat: "nurse@verona.test", body: "A word, if you be he, sir, I desire some confidence with you" });
    client.hear({ chat: "tybalt@verona.test", body: "Villain!" });
    client.tell("chatstate", { chat: "juliet@verona.test", state: "composing" });
    asked(client);
  },
};
