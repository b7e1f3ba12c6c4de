package io.lockstep.examples.calls;

import static io.lockstep.examples.calls.CallLimits.BALANCE_MAX;
import static io.lockstep.examples.calls.CallLimits.CALLS_PER_CARD_MAX;
import static io.lockstep.examples.calls.CallLimits.CALL_MAX_SECONDS;
import static io.lockstep.examples.calls.CallLimits.WRONG_PINS_MAX;

import io.lockstep.examples.calls.CallMessage.Extend;
import io.lockstep.examples.calls.CallMessage.HangUp;
import io.lockstep.examples.calls.CallMessage.IssueCards;
import io.lockstep.examples.calls.CallMessage.SetPin;
import io.lockstep.examples.calls.CallMessage.Start;
import io.lockstep.examples.calls.CallMessage.TopUp;
import io.lockstep.examples.calls.CallQuestion.AboutCard;
import io.lockstep.examples.calls.CallQuestion.Records;
import io.lockstep.tsdstore.ReadContext;
import io.lockstep.tsdstore.ServiceException;
import io.lockstep.tsdstore.TransactionContext;
import io.lockstep.tsdstore.TransactionService;
import io.lockstep.wire.Identity;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * The calling-card service of US patent 6,347,322: a call is one transaction, from its first message, which reserves
 * balance, to its termination message, which charges what was used. Called by the lane only; it has no state of its
 * own.
 *
 * <p>The books always balance: balances + reserves + charges = top-ups, and there is one record for each ended call. A
 * call happens wholly or not at all: one that is rolled back or expires is not charged, and its record says so.
 */
public final class PrepaidCalls implements TransactionService {
    /** A call expires when nothing is heard of it for so long after its stretch was over. */
    private static final Duration GRACE = Duration.ofMinutes(15);

    @Override
    public String name() {
        return "prepaid-calls";
    }

    @Override
    public void createRecords(Connection records) throws SQLException {
        try (Statement statement = records.createStatement()) {
            statement.execute("CREATE TABLE cards (number BIGINT PRIMARY KEY, pin_hash BINARY(32) NOT NULL,"
                    + " balance BIGINT NOT NULL CHECK (balance >= 0), reserved BIGINT NOT NULL CHECK (reserved >= 0),"
                    + " open_calls INTEGER NOT NULL CHECK (open_calls >= 0), wrong_pins INTEGER NOT NULL)");
            statement.execute("CREATE TABLE top_ups (session_term BIGINT NOT NULL, session_position BIGINT NOT NULL,"
                    + " request_id BIGINT NOT NULL, card BIGINT NOT NULL, amount BIGINT NOT NULL,"
                    + " paid_ns BIGINT NOT NULL, PRIMARY KEY (session_term, session_position, request_id, card))");
            statement.execute("CREATE TABLE call_records (session_term BIGINT NOT NULL,"
                    + " session_position BIGINT NOT NULL, call_id BIGINT NOT NULL, card BIGINT NOT NULL,"
                    + " started_ns BIGINT NOT NULL, ended_ns BIGINT NOT NULL, seconds INTEGER NOT NULL,"
                    + " charge BIGINT NOT NULL, ending INTEGER NOT NULL, context_check BIGINT NOT NULL,"
                    + " PRIMARY KEY (session_term, session_position, call_id))");
        }
    }

    @Override
    public byte[] handle(TransactionContext context, byte[] bytes) throws ServiceException, SQLException {
        CallMessage message = CallMessage.decode(bytes);
        CallAnswer answer = context.isFirst() ? first(context, message) : further(context, message);
        return answer.encode();
    }

    private static CallAnswer first(TransactionContext context, CallMessage message)
            throws ServiceException, SQLException {
        if (message instanceof Start start) {
            return start(context, start);
        }
        if (message instanceof IssueCards issue) {
            context.end();
            return issue(context, issue);
        }
        if (message instanceof TopUp topUp) {
            context.end();
            return topUp(context, topUp);
        }
        if (message instanceof SetPin setPin) {
            context.end();
            return setPin(context, setPin);
        }
        throw new ServiceException("no call has been started in this transaction: begin it with a start message");
    }

    private static CallAnswer further(TransactionContext context, CallMessage message)
            throws ServiceException, SQLException {
        OpenCall call =
                context.get(OpenCall.KEY).orElseThrow(() -> new ServiceException("this transaction is not a call"));
        if (message instanceof Extend extend) {
            if (context.isTermination()) {
                throw new ServiceException("extend does not end a call: end it with a hang-up message");
            }
            return extend(context, call, extend);
        }
        if (message instanceof HangUp hangUp) {
            if (!context.isTermination()) {
                throw new ServiceException("hang up is a call's termination message: send it as the transaction's end");
            }
            return hangUp(context, call, hangUp);
        }
        throw new ServiceException("within a call only extend and hang up are understood");
    }

    private static CallAnswer start(TransactionContext context, Start start) throws ServiceException, SQLException {
        Tariff tariff = Tariff.at(context.time());
        OpenCall call =
                new OpenCall(start.card(), nanos(context.time()), tariff.microsPerSecond(), start.seconds(), 0, 0);
        byte[] pinHash = pinHash(start.card(), start.pin());
        Connection records = context.records();
        try (PreparedStatement reserve = records.prepareStatement("UPDATE cards SET balance = balance - ?,"
                + " reserved = reserved + ?, open_calls = open_calls + 1, wrong_pins = 0"
                + " WHERE number = ? AND pin_hash = ? AND wrong_pins < " + WRONG_PINS_MAX
                + " AND open_calls < " + CALLS_PER_CARD_MAX + " AND balance >= ?")) {
            reserve.setLong(1, call.reserved());
            reserve.setLong(2, call.reserved());
            reserve.setLong(3, call.card());
            reserve.setBytes(4, pinHash);
            reserve.setLong(5, call.reserved());
            if (reserve.executeUpdate() == 0) {
                return refuseStart(context, call, pinHash);
            }
        }
        context.put(OpenCall.KEY, call);
        context.put(OpenCall.CONTEXT, start.context());
        context.expireAfter(Duration.ofSeconds(call.stretchSeconds()).plus(GRACE));
        return granted(call);
    }

    /** Says why nothing was reserved. A wrong PIN is an answer and no error, since an error could not be counted. */
    private static CallAnswer refuseStart(TransactionContext context, OpenCall call, byte[] pinHash)
            throws ServiceException, SQLException {
        Connection records = context.records();
        try (PreparedStatement look = records.prepareStatement(
                "SELECT pin_hash, wrong_pins, open_calls, balance FROM cards WHERE number = ?")) {
            look.setLong(1, call.card());
            try (ResultSet card = look.executeQuery()) {
                if (!card.next()) {
                    throw unknownCard(call.card());
                }
                int wrongPins = card.getInt(2);
                if (wrongPins >= WRONG_PINS_MAX) {
                    throw new ServiceException("card " + call.card() + " is blocked after " + wrongPins
                            + " wrong PINs: give it a new PIN");
                }
                if (MessageDigest.isEqual(card.getBytes(1), pinHash)) {
                    if (card.getInt(3) >= CALLS_PER_CARD_MAX) {
                        throw new ServiceException("card " + call.card() + " already has " + card.getInt(3)
                                + " open calls, the most allowed");
                    }
                    throw insufficient(call.card(), call.reserved(), card.getLong(4));
                }
                countWrongPin(records, call.card());
                context.end();
                return new CallAnswer.WrongPin(WRONG_PINS_MAX - wrongPins - 1);
            }
        }
    }

    private static void countWrongPin(Connection records, long card) throws SQLException {
        try (PreparedStatement count =
                records.prepareStatement("UPDATE cards SET wrong_pins = wrong_pins + 1 WHERE number = ?")) {
            count.setLong(1, card);
            count.executeUpdate();
        }
    }

    private static CallAnswer extend(TransactionContext context, OpenCall call, Extend extend)
            throws ServiceException, SQLException {
        checkUsed(call, extend.usedSeconds());
        OpenCall extended = call.extended(extend.usedSeconds(), Tariff.at(context.time()), extend.moreSeconds());
        if (extended.usedSeconds() + extended.stretchSeconds() > CALL_MAX_SECONDS) {
            throw new ServiceException("the call would last longer than " + CALL_MAX_SECONDS + " s: hang up");
        }
        long more = extended.reserved() - call.reserved();
        Connection records = context.records();
        try (PreparedStatement reserve = records.prepareStatement("UPDATE cards SET balance = balance - ?,"
                + " reserved = reserved + ? WHERE number = ? AND balance >= ?")) {
            reserve.setLong(1, more);
            reserve.setLong(2, more);
            reserve.setLong(3, call.card());
            reserve.setLong(4, more);
            if (reserve.executeUpdate() == 0) {
                throw insufficient(
                        call.card(), more, cardState(records, call.card()).balance());
            }
        }
        context.put(OpenCall.KEY, extended);
        context.expireAfter(Duration.ofSeconds(extended.stretchSeconds()).plus(GRACE));
        return granted(extended);
    }

    private static CallAnswer hangUp(TransactionContext context, OpenCall call, HangUp hangUp)
            throws ServiceException, SQLException {
        checkUsed(call, hangUp.usedSeconds());
        int seconds = call.usedSeconds() + hangUp.usedSeconds();
        long charge = call.spent() + hangUp.usedSeconds() * call.microsPerSecond();
        settle(context, call, seconds, charge, CallEnding.HUNG_UP);
        return new CallAnswer.Charged(seconds, charge, call.reserved() - charge);
    }

    @Override
    public void onRollback(TransactionContext context) throws SQLException {
        abandon(context, CallEnding.ROLLED_BACK);
    }

    @Override
    public void onExpire(TransactionContext context) throws SQLException {
        abandon(context, CallEnding.EXPIRED);
    }

    /** Not at all: the whole reserve goes back, what was reported of the call is kept in its record, uncharged. */
    private static void abandon(TransactionContext context, CallEnding ending) throws SQLException {
        OpenCall call = context.get(OpenCall.KEY)
                .orElseThrow(() -> new IllegalStateException("an open transaction of this service is a call"));
        settle(context, call, call.usedSeconds(), 0, ending);
    }

    private static void settle(TransactionContext context, OpenCall call, int seconds, long charge, CallEnding ending)
            throws SQLException {
        Connection records = context.records();
        try (PreparedStatement release = records.prepareStatement("UPDATE cards SET balance = balance + ?,"
                + " reserved = reserved - ?, open_calls = open_calls - 1 WHERE number = ?")) {
            release.setLong(1, call.reserved() - charge);
            release.setLong(2, call.reserved());
            release.setLong(3, call.card());
            release.executeUpdate();
        }
        try (PreparedStatement write =
                records.prepareStatement("INSERT INTO call_records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")) {
            write.setLong(1, context.session().term());
            write.setLong(2, context.session().position());
            write.setLong(3, context.transaction());
            write.setLong(4, call.card());
            write.setLong(5, call.startedNs());
            write.setLong(6, nanos(context.time()));
            write.setInt(7, seconds);
            write.setLong(8, charge);
            write.setInt(9, ending.code());
            write.setLong(10, check(context.get(OpenCall.CONTEXT).orElseThrow()));
            write.executeUpdate();
        }
    }

    private static CallAnswer issue(TransactionContext context, IssueCards issue)
            throws ServiceException, SQLException {
        long last = issue.firstCard() + issue.count() - 1;
        Connection records = context.records();
        try (PreparedStatement look =
                records.prepareStatement("SELECT MIN(number) FROM cards WHERE number BETWEEN ? AND ?")) {
            look.setLong(1, issue.firstCard());
            look.setLong(2, last);
            try (ResultSet existing = look.executeQuery()) {
                existing.next();
                long number = existing.getLong(1);
                if (!existing.wasNull()) {
                    throw new ServiceException("card " + number + " exists already: none of the series was issued");
                }
            }
        }
        try (PreparedStatement write = records.prepareStatement("INSERT INTO cards VALUES (?, ?, ?, 0, 0, 0)")) {
            for (long card = issue.firstCard(); card <= last; card++) {
                write.setLong(1, card);
                write.setBytes(2, pinHash(card, issue.pin()));
                write.setLong(3, issue.amount());
                write.executeUpdate();
            }
        }
        if (issue.amount() > 0) {
            writeTopUps(context, issue.firstCard(), issue.count(), issue.amount());
        }
        long paid = issue.count() * issue.amount();
        return new CallAnswer.Books(issue.count(), paid, paid, 0, 0, 0, 0);
    }

    private static CallAnswer topUp(TransactionContext context, TopUp topUp) throws ServiceException, SQLException {
        Connection records = context.records();
        try (PreparedStatement pay = records.prepareStatement(
                "UPDATE cards SET balance = balance + ? WHERE number = ? AND balance + reserved <= ?")) {
            pay.setLong(1, topUp.amount());
            pay.setLong(2, topUp.card());
            pay.setLong(3, BALANCE_MAX - topUp.amount());
            if (pay.executeUpdate() == 0) {
                CallAnswer.CardState state = cardState(records, topUp.card());
                throw new ServiceException("card " + topUp.card() + " holds " + (state.balance() + state.reserved())
                        + " micro-units: a top-up of " + topUp.amount() + " would exceed " + BALANCE_MAX);
            }
        }
        writeTopUps(context, topUp.card(), 1, topUp.amount());
        return cardState(records, topUp.card());
    }

    private static void writeTopUps(TransactionContext context, long firstCard, int count, long amount)
            throws SQLException {
        try (PreparedStatement write =
                context.records().prepareStatement("INSERT INTO top_ups VALUES (?, ?, ?, ?, ?, ?)")) {
            for (long card = firstCard; card < firstCard + count; card++) {
                write.setLong(1, context.session().term());
                write.setLong(2, context.session().position());
                write.setLong(3, context.requestId());
                write.setLong(4, card);
                write.setLong(5, amount);
                write.setLong(6, nanos(context.time()));
                write.executeUpdate();
            }
        }
    }

    private static CallAnswer setPin(TransactionContext context, SetPin setPin) throws ServiceException, SQLException {
        Connection records = context.records();
        try (PreparedStatement write =
                records.prepareStatement("UPDATE cards SET pin_hash = ?, wrong_pins = 0 WHERE number = ?")) {
            write.setBytes(1, pinHash(setPin.card(), setPin.pin()));
            write.setLong(2, setPin.card());
            if (write.executeUpdate() == 0) {
                throw unknownCard(setPin.card());
            }
        }
        return cardState(records, setPin.card());
    }

    @Override
    public byte[] read(ReadContext context, byte[] bytes) throws ServiceException, SQLException {
        CallQuestion question = CallQuestion.decode(bytes);
        Connection records = context.records();
        CallAnswer answer;
        if (question instanceof AboutCard aboutCard) {
            answer = cardState(records, aboutCard.card());
        } else if (question instanceof Records page) {
            answer = page(records, page);
        } else {
            answer = audit(records);
        }
        return answer.encode();
    }

    private static CallAnswer.CardState cardState(Connection records, long card) throws ServiceException, SQLException {
        try (PreparedStatement look = records.prepareStatement(
                "SELECT balance, reserved, open_calls, wrong_pins FROM cards WHERE number = ?")) {
            look.setLong(1, card);
            try (ResultSet row = look.executeQuery()) {
                if (!row.next()) {
                    throw unknownCard(card);
                }
                return new CallAnswer.CardState(row.getLong(1), row.getLong(2), row.getInt(3), row.getInt(4));
            }
        }
    }

    private static CallAnswer.Books audit(Connection records) throws SQLException {
        try (PreparedStatement sums = records.prepareStatement("SELECT c.cards, t.paid, c.balances, c.reserves,"
                        + " r.charges, c.open_calls, r.ended FROM"
                        + " (SELECT COUNT(*) cards, COALESCE(SUM(balance), 0) balances,"
                        + " COALESCE(SUM(reserved), 0) reserves, COALESCE(SUM(open_calls), 0) open_calls FROM cards) c,"
                        + " (SELECT COALESCE(SUM(amount), 0) paid FROM top_ups) t,"
                        + " (SELECT COALESCE(SUM(charge), 0) charges, COUNT(*) ended FROM call_records) r");
                ResultSet row = sums.executeQuery()) {
            row.next();
            return new CallAnswer.Books(
                    row.getLong(1),
                    row.getLong(2),
                    row.getLong(3),
                    row.getLong(4),
                    row.getLong(5),
                    row.getLong(6),
                    row.getLong(7));
        }
    }

    private static CallAnswer.Page page(Connection records, Records page) throws SQLException {
        try (PreparedStatement look = records.prepareStatement("SELECT call_id, card, started_ns, ended_ns, seconds,"
                + " charge, ending, context_check FROM call_records WHERE session_term = ? AND session_position = ?"
                + " AND call_id > ? ORDER BY session_term, session_position, call_id LIMIT ?")) {
            look.setLong(1, page.session().term());
            look.setLong(2, page.session().position());
            look.setLong(3, page.afterCall());
            look.setInt(4, page.limit());
            List<CallRecord> rows = new ArrayList<>(page.limit());
            try (ResultSet row = look.executeQuery()) {
                while (row.next()) {
                    rows.add(new CallRecord(
                            new Identity(page.session().term(), page.session().position()),
                            row.getLong(1),
                            row.getLong(2),
                            row.getLong(3),
                            row.getLong(4),
                            row.getInt(5),
                            row.getLong(6),
                            CallEnding.of(row.getInt(7)),
                            row.getLong(8)));
                }
            }
            return new CallAnswer.Page(rows);
        }
    }

    private static CallAnswer granted(OpenCall call) {
        return new CallAnswer.Granted(call.microsPerSecond(), call.stretchSeconds(), call.spent(), call.reserved());
    }

    private static void checkUsed(OpenCall call, int usedSeconds) throws ServiceException {
        if (usedSeconds > call.stretchSeconds()) {
            throw new ServiceException("used " + usedSeconds + " s, but only " + call.stretchSeconds()
                    + " s were reserved: report at most those");
        }
    }

    private static ServiceException unknownCard(long card) {
        return new ServiceException("card " + card + " is unknown");
    }

    private static ServiceException insufficient(long card, long needed, long balance) {
        return new ServiceException(
                "card " + card + " has " + balance + " micro-units left, " + needed + " are needed: top it up");
    }

    private static long check(byte[] bytes) {
        CRC32C check = new CRC32C();
        check.update(bytes, 0, bytes.length);
        return check.getValue();
    }

    /** The number is hashed with the PIN, so that equal PINs do not show. */
    private static byte[] pinHash(long card, String pin) {
        try {
            return MessageDigest.getInstance("SHA-256").digest((card + ":" + pin).getBytes(StandardCharsets.US_ASCII));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private static long nanos(Instant time) {
        return Math.addExact(Math.multiplyExact(time.getEpochSecond(), 1_000_000_000L), time.getNano());
    }
}
