package io.lockstep.membership;

import io.lockstep.wire.Ballot;
import io.lockstep.wire.View;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;

/** 64-bit digests of the values that make up a register's state; equal values have equal digests. */
final class Fingerprint {
    private Fingerprint() {}

    static long mix(long a, long b) {
        long h = (a ^ Long.rotateLeft(b, 29)) * 0x9E3779B97F4A7C15L + b;
        h ^= h >>> 32;
        h *= 0xD6E8FEB86659FD93L;
        return h ^ h >>> 29;
    }

    static long of(Object... values) {
        long hash = values.length;
        for (Object value : values) {
            hash = mix(hash, one(value));
        }
        return hash;
    }

    private static long one(Object value) {
        if (value == null) {
            return 1;
        } else if (value instanceof Long number) {
            return mix(2, number);
        } else if (value instanceof Boolean flag) {
            return flag ? 3 : 4;
        } else if (value instanceof Enum<?> constant) {
            return mix(5, constant.ordinal());
        } else if (value instanceof Ballot ballot) {
            return mix(mix(6, ballot.counter()), ballot.proposer());
        } else if (value instanceof View view) {
            return of(view.version(), view.term(), view.active(), view.backups(), view.voters(), view.nonce());
        } else if (value instanceof Optional<?> optional) {
            return optional.isPresent() ? mix(7, one(optional.get())) : 8;
        } else if (value instanceof Map<?, ?> map) {
            long hash = 9;
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                hash = mix(mix(hash, one(entry.getKey())), one(entry.getValue()));
            }
            return hash;
        } else if (value instanceof Collection<?> collection) {
            long hash = 10;
            for (Object element : collection) {
                hash = mix(hash, one(element));
            }
            return hash;
        } else if (value instanceof Record record) {
            return ofRecord(record);
        }
        return mix(11, value.hashCode());
    }

    private static long ofRecord(Record record) {
        if (record instanceof io.lockstep.wire.Frame.Prepare f) {
            return of(21L, f.ballot());
        } else if (record instanceof io.lockstep.wire.Frame.Accept f) {
            return of(22L, f.ballot(), f.value());
        } else if (record instanceof io.lockstep.wire.Frame.Admit f) {
            return of(23L, f.ballot(), f.value());
        } else if (record instanceof io.lockstep.wire.Frame.Promise f) {
            return of(24L, f.ballot(), f.accepted(), f.value(), f.diskId(), f.voting());
        } else if (record instanceof io.lockstep.wire.Frame.Accepted f) {
            return of(25L, f.ballot(), f.diskId());
        } else if (record instanceof io.lockstep.wire.Frame.RegisterRefusal f) {
            return of(26L, f.ballot(), f.promised());
        } else if (record instanceof View.Member m) {
            return of(27L, m.name(), m.incarnation());
        } else if (record instanceof View.Voter v) {
            return of(28L, v.name(), v.diskId());
        } else if (record instanceof VoterRecord r) {
            return of(29L, r.diskId(), r.promised(), r.accepted(), r.value(), r.voting());
        }
        throw new AssertionError("no digest of " + record.getClass());
    }
}
