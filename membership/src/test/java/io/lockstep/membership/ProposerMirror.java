package io.lockstep.membership;

import io.lockstep.wire.Ballot;
import io.lockstep.wire.Frame;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;

/** Copies a proposer and digests what its next step depends on, which its interface does not show. */
final class ProposerMirror {
    private static final Map<Class<?>, List<Field>> FIELDS = new HashMap<>();
    private static final Class<?> ATTEMPT = nested("Attempt");
    private static final Class<?> ROUND = nested("Round");
    private static final Field STATE = field(RegisterProposer.class, "state");
    private static final Field ROUND_NOW = field(RegisterProposer.class, "round");
    private static final Field ADMISSIONS = field(RegisterProposer.class, "admissions");
    private static final Field BALLOT = field(ROUND, "ballot");
    private static final Field PROMISES = field(ROUND, "promises");
    private static final Field ACCEPTED = field(ROUND, "accepted");

    private static final Field VOTERS = field(RegisterProposer.class, "voters");
    private static final Field INCARNATION = field(RegisterProposer.class, "incarnation");
    private static final Field EFFECTS = field(RegisterProposer.class, "effects");
    private static final Field RANDOM = field(RegisterProposer.class, "random");
    private static final Field ATTEMPT_NOW = field(RegisterProposer.class, "attempt");
    private static final Field HIGHEST_COUNTER = field(RegisterProposer.class, "highestCounter");
    private static final Field CHANGE = field(ATTEMPT, "change");
    private static final Field DONE = field(ATTEMPT, "done");
    private static final Field NONCE = field(ATTEMPT, "nonce");
    private static final Field ATTEMPT_BEGAN = field(ATTEMPT, "beganNs");
    private static final Field CONFLICTS = field(ATTEMPT, "conflicts");
    private static final Field ROUND_BEGAN = field(ROUND, "beganNs");
    private static final Field VALUE = field(ROUND, "value");
    private static final Field QUORUM = field(ROUND, "quorum");
    private static final Field RESULT = field(ROUND, "result");

    private ProposerMirror() {}

    static RegisterProposer copy(RegisterProposer proposer) {
        try {
            List<?> voters = (List<?>) VOTERS.get(proposer);
            RegisterProposer copy = new RegisterProposer(
                    voters.stream().map(String.class::cast).toList(),
                    INCARNATION.getLong(proposer),
                    (RegisterProposer.Effects) EFFECTS.get(proposer),
                    (LongSupplier) RANDOM.get(proposer));
            copyFields(proposer, copy);
            return copy;
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("the proposer's fields have changed", e);
        }
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static void copyFields(Object from, Object to) throws ReflectiveOperationException {
        for (Field field : fields(from.getClass())) {
            Object value = field.get(from);
            if (value instanceof Map map && Modifier.isFinal(field.getModifiers())) {
                ((Map) field.get(to)).putAll(map);
            } else if (value instanceof Collection collection && Modifier.isFinal(field.getModifiers())) {
                if (field.get(to) != value && ((Collection) field.get(to)).isEmpty()) {
                    ((Collection) field.get(to)).addAll(collection);
                }
            } else if (value != null && (ATTEMPT.isInstance(value) || ROUND.isInstance(value))) {
                field.set(to, copyNested(value));
            } else if (!Modifier.isFinal(field.getModifiers())) {
                field.set(to, value);
            }
        }
    }

    private static Object copyNested(Object from) throws ReflectiveOperationException {
        Constructor<?> constructor = from.getClass().getDeclaredConstructors()[0];
        constructor.setAccessible(true);
        Object to = ATTEMPT.isInstance(from)
                ? constructor.newInstance(CHANGE.get(from), DONE.get(from), NONCE.get(from), ATTEMPT_BEGAN.get(from))
                : constructor.newInstance(BALLOT.get(from), ROUND_BEGAN.get(from));
        copyFields(from, to);
        return to;
    }

    /** Digest of all but times, texts, and the strangers, which only cause a wait. */
    static long fingerprint(RegisterProposer proposer) {
        try {
            Object attempt = ATTEMPT_NOW.get(proposer);
            Object round = ROUND_NOW.get(proposer);
            long hash = Fingerprint.of(
                    STATE.get(proposer),
                    HIGHEST_COUNTER.get(proposer),
                    ADMISSIONS.get(proposer),
                    attempt != null && CONFLICTS.getInt(attempt) > 0,
                    attempt != null);
            if (round == null) {
                return hash;
            }
            return Fingerprint.of(
                    hash,
                    BALLOT.get(round),
                    STATE.get(proposer).toString().equals("PREPARING") ? PROMISES.get(round) : Map.of(),
                    Optional.ofNullable(VALUE.get(round)),
                    QUORUM.get(round),
                    RESULT.get(round),
                    ACCEPTED.get(round));
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("the proposer's fields have changed", e);
        }
    }

    /** Ballot of the round under way; zero without one. */
    static Ballot ballot(RegisterProposer proposer) {
        try {
            Object round = ROUND_NOW.get(proposer);
            return round == null ? Ballot.ZERO : (Ballot) BALLOT.get(round);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("the proposer's fields have changed", e);
        }
    }

    static Ballot ballotOf(Frame frame) {
        if (frame instanceof Frame.Prepare prepare) {
            return prepare.ballot();
        } else if (frame instanceof Frame.Accept accept) {
            return accept.ballot();
        } else if (frame instanceof Frame.Promise promise) {
            return promise.ballot();
        } else if (frame instanceof Frame.Accepted accepted) {
            return accepted.ballot();
        } else if (frame instanceof Frame.RegisterRefusal refusal) {
            return refusal.ballot();
        } else if (frame instanceof Frame.Admit admit) {
            return admit.ballot();
        }
        throw new AssertionError(frame);
    }

    private static Class<?> nested(String name) {
        for (Class<?> nested : RegisterProposer.class.getDeclaredClasses()) {
            if (nested.getSimpleName().equals(name)) {
                return nested;
            }
        }
        throw new AssertionError(name);
    }

    private static List<Field> fields(Class<?> owner) {
        return FIELDS.computeIfAbsent(owner, type -> {
            List<Field> all = new ArrayList<>();
            for (Field field : type.getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers())) {
                    field.setAccessible(true);
                    all.add(field);
                }
            }
            return all;
        });
    }

    private static Field field(Class<?> owner, String name) {
        return fields(owner).stream()
                .filter(field -> field.getName().equals(name))
                .findFirst()
                .orElseThrow();
    }
}
