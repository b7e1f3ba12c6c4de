package io.lockstep.wire;

import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;

/** What kind of frame an envelope holds; the order is the code on the wire, so new ones go to the end. */
public enum FrameType {
    HELLO(Frame.Hello.class),
    GOODBYE(Frame.Goodbye.class),
    ASK(Frame.Ask.class),
    REPLY(Frame.Reply.class),
    VIEW_NOTICE(Frame.ViewNotice.class),
    JOIN(Frame.Join.class),
    FOLLOW(Frame.Follow.class),
    COPY_BEGIN(Frame.CopyBegin.class),
    COPY_CHUNK(Frame.CopyChunk.class),
    COPY_ACKNOWLEDGE(Frame.CopyAcknowledge.class),
    FORWARD(Frame.Forward.class),
    ACKNOWLEDGE(Frame.Acknowledge.class),
    DIVERGED(Frame.Diverged.class),
    DEATH_NOTE(Frame.DeathNote.class),
    PREPARE(Frame.Prepare.class),
    PROMISE(Frame.Promise.class),
    ACCEPT(Frame.Accept.class),
    ADMIT(Frame.Admit.class),
    ACCEPTED(Frame.Accepted.class),
    REGISTER_REFUSAL(Frame.RegisterRefusal.class),
    STATUS_ASK(Frame.StatusAsk.class),
    STATUS_REPLY(Frame.StatusReply.class),
    SUMS(Frame.Sums.class),
    NARROW(Frame.Narrow.class),
    OUTVOTED(Frame.Outvoted.class);

    private static final FrameType[] BY_CODE = values();
    private static final Map<Class<? extends Frame>, FrameType> BY_CLASS =
            Arrays.stream(BY_CODE).collect(Collectors.toUnmodifiableMap(type -> type.frames, Function.identity()));

    private final Class<? extends Frame> frames;

    FrameType(Class<? extends Frame> frames) {
        this.frames = frames;
    }

    /** The type of a frame. */
    public static FrameType of(Frame frame) {
        return Objects.requireNonNull(BY_CLASS.get(frame.getClass()), "every frame has a type");
    }

    /** The type's code on the wire, 0 to 255. */
    public int code() {
        return ordinal();
    }

    /** The type for a code on the wire. @throws IllegalArgumentException when there is none */
    public static FrameType of(int code) {
        if (code < 0 || code >= BY_CODE.length) {
            throw new IllegalArgumentException("unknown frame type " + code);
        }
        return BY_CODE[code];
    }
}
