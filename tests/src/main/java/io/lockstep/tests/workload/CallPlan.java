package io.lockstep.tests.workload;

import io.lockstep.examples.calls.CallMessage;
import io.lockstep.server.drill.Workload;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;

/**
 * Everything that calls send, and when, as a function of seed and settings alone. Safe from any thread, because it is
 * never changed.
 *
 * <p>A call is four messages: start, two extensions, hang-up. Call {@code k} starts somewhere in the {@code k}-th slot
 * of {@code 4 / rate} seconds; its further messages follow about a think time apart, which is chosen so that the wanted
 * number of calls is open.
 */
final class CallPlan {
    /** Messages of a call: start, extensions, hang-up. */
    static final int MESSAGES = 4;

    /** Granted to each card, enough for a million of the dearest calls. */
    static final long TOP_UP = 1_000_000_000_000L;

    private static final String PIN = "471100";

    private static final long FIRST_CARD = 4_000_000_000_000_001L;
    private static final int STRETCHES = MESSAGES - 1;
    private static final int STRETCH_MIN_SECONDS = 10;
    private static final int STRETCH_MAX_SECONDS = 120;

    /** A message comes at most this part of a think time early or late. */
    private static final double JITTER = 0.25;

    /** Calls that may pile up beside the open ones before cards are shared by more than four: what starts in 30 s. */
    private static final int STALL_SECONDS = 30;

    private static final double GOLDEN_RATIO = 0.6180339887498949;

    private final long seed;
    private final int stateBytes;
    private final int cards;
    private final double slotNs;
    private final double thinkNs;

    CallPlan(Workload.Settings settings) {
        this.seed = settings.seed();
        this.stateBytes = settings.stateBytes();
        this.slotNs = 1e9 * MESSAGES / settings.messagesPerSecond();
        this.thinkNs = slotNs * settings.openTransactions() / STRETCHES;
        this.cards =
                settings.openTransactions() / 2 + STALL_SECONDS * Math.max(1, settings.messagesPerSecond() / MESSAGES);
    }

    /** Cards that must be issued. */
    int cards() {
        return cards;
    }

    /** Issues some of the cards. */
    CallMessage issue(int first, int count) {
        return new CallMessage.IssueCards(FIRST_CARD + first, count, PIN, TOP_UP);
    }

    /** The card that a call uses; neighbours use different ones. */
    long card(int call) {
        return FIRST_CARD + call % cards;
    }

    /** When a call starts, in nanoseconds after the first slot began; rises with {@code slot}. */
    long startNs(int call, int slot) {
        return (long) ((slot + random(call, 0).nextDouble()) * slotNs);
    }

    /** When message 1, 2 or 3 of a call is due, in nanoseconds after the call's start. */
    long offsetNs(int call, int message) {
        double jitter = JITTER * (2 * random(call, message).nextDouble() - 1);
        return (long) (thinkNs * (message + jitter));
    }

    /**
     * How long ago a call that is opened ahead of the load pretends to have started: evenly spread over a call's life,
     * so that from the first slot on the load is as it will stay.
     */
    long ageNs(int call) {
        double part = (call * GOLDEN_RATIO) % 1;
        return (long) (part * STRETCHES * thinkNs);
    }

    /** Length of stretch 0, 1 or 2, in seconds. */
    int stretchSeconds(int call, int stretch) {
        return random(call, 10 + stretch).nextInt(STRETCH_MIN_SECONDS, STRETCH_MAX_SECONDS + 1);
    }

    /** What is used of stretch 0, 1 or 2, in seconds: now and then nothing, or everything. */
    int usedSeconds(int call, int stretch) {
        return random(call, 20 + stretch).nextInt(0, stretchSeconds(call, stretch) + 1);
    }

    /** Message 0, 1 or 2 of a call. */
    CallMessage message(int call, int message) {
        if (message == 0) {
            return new CallMessage.Start(card(call), PIN, stretchSeconds(call, 0), context(call));
        }
        return new CallMessage.Extend(usedSeconds(call, message - 1), stretchSeconds(call, message));
    }

    /** The hang-up in place of a message, 1 to 3. */
    CallMessage hangUp(int call, int message) {
        return new CallMessage.HangUp(usedSeconds(call, message - 1));
    }

    /** CRC-32C of the call's context. */
    long contextCheck(int call) {
        CRC32C check = new CRC32C();
        byte[] context = context(call);
        check.update(context, 0, context.length);
        return check.getValue();
    }

    private byte[] context(int call) {
        byte[] context = new byte[stateBytes];
        random(call, 30).nextBytes(context);
        return context;
    }

    private SplittableRandom random(int call, int purpose) {
        return new SplittableRandom(seed * 0x9e3779b97f4a7c15L + call * 64L + purpose);
    }
}
