// One button for each call of the contract, as version 0.9 makes it; each answer becomes one line of JSON.
"use strict";

const SERVICE = new URLSearchParams(location.search).get("service");
const ENVIRONMENT = "demo";
const STAKE = 5;
const state = { market: null, bets: [], quote: null, session: null };

const field = (id) => document.getElementById(id).value;

const userId = async () => {
  const { user } = await chrome.storage.local.get("user");
  if (user !== undefined) return user;
  const tail = Array.from({ length: 9 }, () => Math.floor(Math.random() * 36).toString(36)).join("");
  const made = `user_${ENVIRONMENT}_${Date.now()}_${tail}`;
  await chrome.storage.local.set({ user: made });
  return made;
};

const ask = async (method, path, body) => {
  const how = { method };
  if (body !== undefined) {
    how.headers = { "Content-Type": "application/json" };
    how.body = JSON.stringify(body);
  }
  const reply = await fetch(`${SERVICE}/api${path}`, how);
  return { status: reply.status, body: await reply.json() };
};

const bet = () => {
  const option = state.market.contracts.find((one) => one.label === field("option"));
  return {
    marketId: state.market.id,
    marketTitle: state.market.title,
    marketUrl: `https://kalshi.com/markets/${state.market.id}`,
    imageUrl: state.market.imageUrl,
    optionId: option.id,
    optionLabel: option.label,
    prob: option.prob,
    ticker: option.ticker,
    environment: ENVIRONMENT,
  };
};

const quoteOnce = () =>
  ask("POST", "/quote", {
    bets: state.bets.map(({ marketTitle, optionLabel, prob }) => ({ marketTitle, optionLabel, prob })),
    stake: STAKE,
  });

const calls = {
  async market() {
    const answer = await ask("GET", `/kalshi/market/${field("event").toLowerCase()}`);
    state.market = answer.body;
    return answer;
  },
  async list() {
    const answer = await ask("GET", `/parlay/${await userId()}?environment=${ENVIRONMENT}`);
    state.bets = answer.body.bets;
    return answer;
  },
  async add() {
    return ask("POST", `/parlay/${await userId()}`, bet());
  },
  async remove() {
    return ask("DELETE", `/parlay/${await userId()}/${state.bets.at(-1).id}`);
  },
  // One press sends two identical requests at once; the answer that arrives last is used.
  async quote() {
    const answers = await Promise.all([quoteOnce(), quoteOnce()]);
    state.quote = answers[1].body.quote;
    return { status: answers.map((answer) => answer.status), body: answers[1].body };
  },
  async checkout() {
    const answer = await ask("POST", "/create-checkout-session", {
      userId: await userId(),
      stake: STAKE,
      parlayBets: state.bets,
      quote: state.quote,
      environment: ENVIRONMENT,
    });
    state.session = answer.body.sessionId;
    return answer;
  },
  async history() {
    return ask("GET", `/parlay-history/${await userId()}`);
  },
  async claim() {
    return ask("POST", `/claim-winnings/${state.session}`);
  },
  async wallet() {
    return ask("GET", `/wallet/${await userId()}`);
  },
};

for (const [name, call] of Object.entries(calls)) {
  document.getElementById(name).addEventListener("click", async () => {
    const line = document.createElement("li");
    try {
      line.textContent = JSON.stringify({ call: name, ...(await call()) });
    } catch (error) {
      line.textContent = JSON.stringify({ call: name, failed: String(error) });
    }
    document.getElementById("said").append(line);
  });
}
