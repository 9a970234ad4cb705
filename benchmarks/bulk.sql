-- A past for benchmarks.bulk: :n parlays of four legs, :at their time in milliseconds; s.n counts from 1.
-- Every order leaves one posting: a set of two for every second one. No ANALYZE at the end: a database that has
-- grown in service has no statistics either.

CREATE TEMP TABLE s AS
WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL
SELECT n + 1 FROM c WHERE n < :n)
SELECT n, printf('past%028x', n) AS hex FROM c;

CREATE TEMP TABLE l AS
SELECT 1 AS leg UNION
SELECT 2 UNION
SELECT 3 UNION
SELECT 4;

INSERT INTO quotes (id, fingerprint, user_id, environment, stake_micros, payout_micros, probability,
  product, strategy, created_ms, expires_ms, body, advice)
SELECT hex, hex, 'past_' || n / 8, 'demo', 5000000, 30000000, '0.1453', '0.1453', 'bands', :at + n, :at +
  n, '{"text":"' || hex(zeroblob(150)) || '"}', '{}'
FROM s;

INSERT INTO parlays (id, session_id, quote_id, user_id, environment, mode, stake_micros, payout_micros,
  state, accepted_ms, outcome, revision, ends_ms)
SELECT 'par_' || hex, 'cs_' || hex, hex, 'past_' || n / 8, 'demo', 'live', 5000000, 30000000, 'lost', :at
  + n, 'executed', 1, :at + n
FROM s;

INSERT INTO parlay_legs (parlay_id, leg, ticker, side, bet, ask_micros, amount_micros, market_status,
  value_micros, checked_ms, settled_ms)
SELECT 'par_' || hex, leg, 'PAST-' || (n % 5000), 'yes', '{}', 500000, 1500000, 'finalized', 0, :at + n,
  :at + n
FROM s, l;

INSERT INTO summaries (parlay_id, revision, figures, made_ms, emitted_ms)
SELECT 'par_' || hex, 1, '{}', :at + n, :at + n
FROM s;

INSERT INTO intents (id, parlay_id, leg, purpose, sequence, ticker, side, count_centis, price_micros,
  max_cost_micros, time_in_force, created_ms, expires_ms, ended_ms, end_reason, reserved_micros)
SELECT 'int_' || leg || hex, 'par_' || hex, leg, 'hedge', 0, 'PAST-' || (n % 5000), 'bid', 300, 520000,
  1700000, 'immediate_or_cancel', :at + n, :at + n, :at + n, 'filled', 1600000
FROM s, l;

INSERT INTO attempts (client_order_id, intent_id, number, count_centis, state, body, sends, order_id,
  fill_centis, cost_micros, fees_micros, booked_centis, planned_ms, first_sent_ms, last_sent_ms,
  ended_ms)
SELECT 'hs-' || leg || hex, 'int_' || leg || hex, 1, 300, 'filled', zeroblob(250), 1, 'o-' || leg || hex,
  300, 1500000, 52500, 300, :at + n, :at + n, :at + n, :at + n
FROM s, l;

INSERT INTO order_events (client_order_id, at_ms, event, old_state, new_state, evidence)
SELECT 'hs-' || leg || hex, :at + n, 'order.accepted', 'sending', 'filled', '{}'
FROM s, l;

INSERT INTO fills (trade_id, client_order_id, order_id, parlay_id, ticker, side, count_centis,
  price_micros, cost_micros, fee_micros, filled_ms, seen_ms)
SELECT 't-' || leg || hex, 'hs-' || leg || hex, 'o-' || leg || hex, 'par_' || hex, 'PAST-' || (n % 5000),
  'yes', 300, 500000, 1500000, 52500, :at + n, :at + n
FROM s, l;

INSERT INTO market_results (ticker, result, value_micros, settled_ms, paid_micros, paid_fees_micros,
  compared_ms)
SELECT DISTINCT 'PAST-' || (n % 5000), 'no', 0, :at, 0, 0, :at
FROM s;

INSERT INTO ledger_sets (id, cause, kind, parlay_id, ticker, at_ms)
SELECT n * 2 + leg - 1, 'past:' || leg || hex, 'fill', 'par_' || hex, 'PAST-' || (n % 5000), :at + n
FROM s, l WHERE leg <= 2;

INSERT INTO ledger_postings (set_id, account, micros)
SELECT n * 2 + half.leg - 1, CASE side.leg WHEN 1 THEN 'positions' ELSE 'cash' END, CASE side.leg WHEN 1
  THEN 1500000 ELSE -1500000 END
FROM s, l AS half, l AS side WHERE half.leg <= 2 AND side.leg <= 2;

DROP TABLE s;

DROP TABLE l;
