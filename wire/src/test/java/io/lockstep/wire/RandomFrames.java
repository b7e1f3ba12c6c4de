package io.lockstep.wire;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Supplier;

/** Frames of every type with contents drawn from one seed: small and extreme numbers, empty and longer bodies. */
final class RandomFrames {
    private static final String[] ALPHABET = {"a", "Z", "7", "-", "ä", "語", "🙂", " "};

    private final Random random;

    RandomFrames(long seed) {
        random = new Random(seed);
    }

    Frame next(FrameType type) {
        long term = number();
        return switch (type) {
            case HELLO -> new Frame.Hello(term, new Peer(name(), one(Peer.Role.values()), random.nextLong()));
            case GOODBYE -> new Frame.Goodbye(term, text());
            case ASK -> new Frame.Ask(term, request());
            case REPLY ->
                new Frame.Reply(term, new Answer(identity(), number(), identity(), one(AnswerCode.values()), body()));
            case VIEW_NOTICE -> new Frame.ViewNotice(term, number(), member());
            case JOIN -> new Frame.Join(term, number(), identity(), random.nextLong(), number(), random.nextLong());
            case FOLLOW -> new Frame.Follow(term, number(), number());
            case COPY_BEGIN -> new Frame.CopyBegin(term, number(), random.nextLong(), identity(), random.nextLong());
            case COPY_CHUNK ->
                new Frame.CopyChunk(term, random.nextLong(), smallNumber(), random.nextBoolean(), body());
            case COPY_ACKNOWLEDGE -> new Frame.CopyAcknowledge(term, random.nextLong(), smallNumber());
            case FORWARD -> new Frame.Forward(term, number(), number(), list(this::entry));
            case ACKNOWLEDGE -> new Frame.Acknowledge(term, number(), number(), number());
            case DIVERGED -> new Frame.Diverged(term, number(), random.nextLong(), random.nextLong(), text());
            case DEATH_NOTE -> new Frame.DeathNote(term, identity(), number(), text());
            case PREPARE -> new Frame.Prepare(term, ballot());
            case PROMISE ->
                new Frame.Promise(
                        term,
                        ballot(),
                        ballot(),
                        random.nextBoolean() ? Optional.of(view()) : Optional.empty(),
                        random.nextLong(),
                        random.nextBoolean());
            case ACCEPT -> new Frame.Accept(term, ballot(), view());
            case ADMIT -> new Frame.Admit(term, ballot(), view());
            case ACCEPTED -> new Frame.Accepted(term, ballot(), random.nextLong());
            case REGISTER_REFUSAL -> new Frame.RegisterRefusal(term, ballot(), ballot(), text());
            case STATUS_ASK -> new Frame.StatusAsk(term, text());
            case STATUS_REPLY -> new Frame.StatusReply(term, text());
            case SUMS ->
                new Frame.Sums(
                        term,
                        number(),
                        random.nextLong(),
                        list(() -> new TableSum(text(), random.nextLong(), number())));
            case NARROW ->
                new Frame.Narrow(
                        term,
                        number(),
                        text(),
                        smallNumber(),
                        random.nextLong(),
                        random.nextBoolean(),
                        list(() -> new RowSum(random.nextLong(), random.nextLong(), number(), text())));
            case OUTVOTED -> new Frame.Outvoted(term, number(), name());
        };
    }

    Request request() {
        return new Request(
                identity(),
                smallNumber(),
                number(),
                one(RequestKind.values()),
                number(),
                number(),
                number(),
                identity(),
                smallNumber(),
                random.nextBoolean(),
                body());
    }

    Entry entry() {
        ControlHeader header = new ControlHeader(
                number(),
                number(),
                identity(),
                number(),
                one(RequestKind.values()),
                smallNumber(),
                number(),
                number(),
                number(),
                random.nextLong());
        return new Entry(header, body(), one(Decision.values()), random.nextLong(), random.nextLong());
    }

    View view() {
        return new View(
                number(),
                number(),
                member(),
                list(this::member),
                list(() -> new View.Voter(name(), random.nextLong())),
                random.nextLong());
    }

    byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private View.Member member() {
        return new View.Member(name(), random.nextLong());
    }

    private Ballot ballot() {
        return new Ballot(number() % (Limits.BALLOT_MAX + 1), random.nextLong());
    }

    private Identity identity() {
        return random.nextInt(4) == 0 ? Identity.NONE : new Identity(number(), number());
    }

    /** 0 or more, of every magnitude. */
    private long number() {
        return (random.nextLong() & Long.MAX_VALUE) >>> random.nextInt(63);
    }

    private int smallNumber() {
        return (random.nextInt() & Integer.MAX_VALUE) >>> random.nextInt(31);
    }

    private byte[] body() {
        return bytes(random.nextInt(4) == 0 ? 0 : random.nextInt(200));
    }

    private String name() {
        return letters(1 + random.nextInt(16));
    }

    private String text() {
        return letters(random.nextInt(40));
    }

    private String letters(int count) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < count; i++) {
            text.append(one(ALPHABET));
        }
        return text.toString();
    }

    private <T> List<T> list(Supplier<T> element) {
        List<T> list = new ArrayList<>();
        for (int i = random.nextInt(4); i > 0; i--) {
            list.add(element.get());
        }
        return list;
    }

    private <T> T one(T[] values) {
        return values[random.nextInt(values.length)];
    }
}
