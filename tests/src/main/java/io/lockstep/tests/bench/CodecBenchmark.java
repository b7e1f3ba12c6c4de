package io.lockstep.tests.bench;

import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.ControlHeader;
import io.lockstep.wire.Decision;
import io.lockstep.wire.Entry;
import io.lockstep.wire.EntryView;
import io.lockstep.wire.ForwardView;
import io.lockstep.wire.Frame;
import io.lockstep.wire.FrameReader;
import io.lockstep.wire.FrameWriter;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Limits;
import io.lockstep.wire.ProtocolException;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * Header and frame codec: what one frame costs, and that the hot path allocates nothing per message. Touched only by
 * JMH's benchmark thread. {@code decode…} also makes the object that is kept, for comparison.
 *
 * <p>{@link #main} takes JMH's own options, measures allocation too, and ends with 7 when one of {@code encode…} or
 * {@code readInPlace…} allocates.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class CodecBenchmark {
    private static final int THRESHOLD_MISSED = 7;
    private static final int USAGE = 2;

    /** Below one object per hundred frames; the profiler itself accounts for some bytes per iteration. */
    private static final double NOTHING_BYTES = 0.16;

    /** A message of a call: some ten fields. */
    private static final int BODY_BYTES = 128;

    /** What one turn of the ring forwards under load. */
    private static final int ENTRIES = 16;

    private final FrameWriter writer = new FrameWriter("bench", 1, Limits.FRAME_MAX_BYTES_DEFAULT);
    private final FrameReader reader = new FrameReader("bench", Limits.FRAME_MAX_BYTES_DEFAULT);
    private final ForwardView forwardView = new ForwardView();
    private final EntryView entryView = new EntryView();
    private final ByteBuf out = Unpooled.directBuffer(64 << 10);

    private final Frame ask = new Frame.Ask(3, request());
    private final Frame reply = new Frame.Reply(
            3, new Answer(new Identity(3, 17), 5, new Identity(3, 1_000), AnswerCode.OK, new byte[BODY_BYTES]));
    private final Frame forward = new Frame.Forward(3, 900, 990, entries());
    private final Frame acknowledge = new Frame.Acknowledge(3, 900, 1_000, 990);

    private final ByteBuf askBytes = encoded(ask);
    private final ByteBuf replyBytes = encoded(reply);
    private final ByteBuf forwardBytes = encoded(forward);
    private final ByteBuf acknowledgeBytes = encoded(acknowledge);

    private static Request request() {
        return new Request(
                new Identity(3, 17),
                1,
                5,
                RequestKind.CONTINUE,
                3,
                4,
                4,
                new Identity(3, 999),
                30_000,
                false,
                new byte[BODY_BYTES]);
    }

    private static List<Entry> entries() {
        List<Entry> entries = new ArrayList<>();
        for (int i = 0; i < ENTRIES; i++) {
            ControlHeader header = new ControlHeader(
                    3, 1_000 + i, new Identity(3, 17 + i), 5, RequestKind.CONTINUE, 1, 3, 4, 1_700_000_000_000L, i);
            entries.add(new Entry(header, new byte[BODY_BYTES], Decision.EXECUTE, 12_345, 67_890));
        }
        return entries;
    }

    private ByteBuf encoded(Frame frame) {
        ByteBuf bytes = Unpooled.directBuffer();
        writer.write(frame, bytes);
        return bytes;
    }

    @Benchmark
    public int encodeAsk() {
        return writer.write(ask, out.clear());
    }

    @Benchmark
    public int encodeReply() {
        return writer.write(reply, out.clear());
    }

    @Benchmark
    public int encodeForwardOf16() {
        return writer.write(forward, out.clear());
    }

    @Benchmark
    public int encodeAcknowledge() {
        return writer.write(acknowledge, out.clear());
    }

    @Benchmark
    public long readInPlaceEnvelope() throws ProtocolException {
        return reader.next(acknowledgeBytes) ? reader.envelope().term() : 0;
    }

    @Benchmark
    public long readInPlaceForwardOf16() throws ProtocolException {
        reader.next(forwardBytes);
        forwardView.wrap(reader.envelope());
        long sum = forwardView.stablePosition();
        while (forwardView.next(entryView)) {
            sum += entryView.position() + entryView.timeNs() + entryView.outcome() + entryView.bodyLength();
        }
        return sum;
    }

    @Benchmark
    public Frame decodeAsk() throws ProtocolException {
        return decode(askBytes);
    }

    @Benchmark
    public Frame decodeReply() throws ProtocolException {
        return decode(replyBytes);
    }

    @Benchmark
    public Frame decodeForwardOf16() throws ProtocolException {
        return decode(forwardBytes);
    }

    @Benchmark
    public Frame decodeAcknowledge() throws ProtocolException {
        return decode(acknowledgeBytes);
    }

    private Frame decode(ByteBuf bytes) throws ProtocolException {
        reader.next(bytes);
        return reader.frame();
    }

    /** Runs it; see the class. */
    public static void main(String[] arguments) throws RunnerException {
        CommandLineOptions options;
        try {
            options = new CommandLineOptions(arguments);
        } catch (CommandLineOptionException e) {
            System.err.println("codec benchmark: " + e.getMessage());
            System.exit(USAGE);
            return;
        }
        Collection<RunResult> results = new Runner(new OptionsBuilder()
                        .parent(options)
                        .include(CodecBenchmark.class.getName())
                        .addProfiler(GCProfiler.class)
                        .shouldFailOnError(true)
                        .build())
                .run();
        List<String> broken = allocating(results);
        broken.forEach(System.err::println);
        System.exit(broken.isEmpty() ? 0 : THRESHOLD_MISSED);
    }

    private static List<String> allocating(Collection<RunResult> results) {
        List<String> broken = new ArrayList<>();
        for (RunResult result : results) {
            String name = result.getPrimaryResult().getLabel();
            Result<?> allocated = result.getSecondaryResults().get("gc.alloc.rate.norm");
            boolean isHotPath = name.startsWith("encode") || name.startsWith("readInPlace");
            if (isHotPath && (allocated == null || !(allocated.getScore() < NOTHING_BYTES))) {
                broken.add(name + " allocates: " + allocated);
            }
        }
        return broken;
    }
}
