package io.lockstep.tsdstore;

import com.dynatrace.hash4j.hashing.HashStream64;
import com.dynatrace.hash4j.hashing.Hasher64;
import com.dynatrace.hash4j.hashing.Hashing;
import io.lockstep.wire.ControlHeader;
import io.lockstep.wire.Decision;
import io.lockstep.wire.Entry;
import io.lockstep.wire.Identity;

/** XXH3, 64 bits, over what nodes compare. Safe from any thread, because nothing is kept. */
public final class Digests {
    private static final Hasher64 XXH3 = Hashing.xxh3_64();

    private Digests() {}

    /** Chain digest before the first entry of a database for which nothing is set. */
    public static final long FIRST_CHAIN = 0;

    /** Chain digest before the first entry of a database that is set so: entries of one never follow another's. */
    static long firstChain(String settings) {
        return settings.isEmpty() ? FIRST_CHAIN : XXH3.hashCharsToLong(settings);
    }

    /** Chain digest of an entry from that of the one before it. */
    public static long chain(long previousChain, ControlHeader header, byte[] body, Decision decision, long outcome) {
        return chain(start(), previousChain, header, body, decision, outcome);
    }

    /** @param stream may have been used before */
    static long chain(
            HashStream64 stream,
            long previousChain,
            ControlHeader header,
            byte[] body,
            Decision decision,
            long outcome) {
        HashStream64 hash =
                stream.reset().putLong(previousChain).putLong(header.term()).putLong(header.position());
        put(hash, header.session());
        return hash.putLong(header.requestId())
                .putByte((byte) header.kind().code())
                .putInt(header.attach())
                .putLong(header.transaction())
                .putLong(header.acknowledgedUpTo())
                .putLong(header.timeNs())
                .putLong(header.seed())
                .putByteArray(body)
                .putByte((byte) decision.code())
                .putLong(outcome)
                .getAsLong();
    }

    /** Whether the entry's chain digest follows from that of the one before it. */
    public static boolean continues(long previousChain, Entry entry) {
        return entry.chain() == chain(previousChain, entry.header(), entry.body(), entry.decision(), entry.outcome());
    }

    /** A new stream: about a kilobyte. */
    static HashStream64 start() {
        return XXH3.hashStream();
    }

    static HashStream64 put(HashStream64 hash, Identity identity) {
        return hash.putLong(identity.term()).putLong(identity.position());
    }

    static long of(byte[] bytes) {
        return XXH3.hashBytesToLong(bytes);
    }
}
