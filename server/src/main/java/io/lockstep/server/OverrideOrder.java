package io.lockstep.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.lockstep.wire.View;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * One operator's order that a node lead with what it holds: what was found out about the other nodes, and the answer.
 * Touched only by the node agent.
 *
 * <p>An active that is alone in its view asks nobody before it answers (R3), so it must have ended before another leads.
 * That is certain when its port refuses connections or another run of its node is there. When nothing is heard of it, the
 * operator must vouch for it; when it is connected, the operator's word counts for nothing.
 */
final class OverrideOrder {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String WORD = "override";

    private final Set<String> others;
    private final Set<String> fenced;
    private final Consumer<String> answer;
    private final Map<String, Look> looks = new HashMap<>();

    /**
     * What a look at a node showed.
     *
     * @param isRefused whether nobody listens there
     * @param incarnation of the run that is connected, 0 when none is
     */
    private record Look(boolean isRefused, long incarnation) {}

    private OverrideOrder(Set<String> others, Set<String> fenced, Consumer<String> answer) {
        this.others = Set.copyOf(others);
        this.fenced = Set.copyOf(fenced);
        this.answer = answer;
    }

    /** Whether that question is such an order. */
    static boolean isOne(String question) {
        return question.equals(WORD) || question.startsWith(WORD + " ");
    }

    /**
     * The order that a question is.
     *
     * @param others the other nodes
     * @param answer gets one JSON document
     */
    static OverrideOrder of(String question, Set<String> others, Consumer<String> answer) {
        List<String> words = Arrays.asList(question.split(" "));
        return new OverrideOrder(others, Set.copyOf(words.subList(1, words.size())), answer);
    }

    /** The question that {@link #of} understands. */
    static String question(List<String> fenced) {
        return String.join(
                " ", Stream.concat(Stream.of(WORD), fenced.stream().distinct()).toList());
    }

    /** A look at a node has ended. */
    void seen(String node, boolean isRefused, long incarnation) {
        looks.put(node, new Look(isRefused, incarnation));
    }

    /** Whether every other node was looked at. */
    boolean areAllSeen() {
        return looks.keySet().containsAll(others);
    }

    /** Whether that run of a node has ended. */
    boolean isGone(View.Member member) {
        Look look = looks.get(member.name());
        if (look == null) {
            return false;
        }
        return look.incarnation == 0
                ? look.isRefused || fenced.contains(member.name())
                : look.incarnation != member.incarnation();
    }

    /** Why a view could not be replaced. */
    String whoMayLive(View view) {
        List<String> reasons = new ArrayList<>();
        Stream.concat(Stream.of(view.active()), view.backups().stream())
                .filter(member -> others.contains(member.name()) && !isGone(member))
                .forEach(member -> {
                    Look look = looks.get(member.name());
                    reasons.add(
                            look != null && look.incarnation == member.incarnation()
                                    ? member.name() + " lives: it is connected; end its process first"
                                    : "nothing is heard of " + member.name()
                                            + ", which may live and answer; end its process or switch its machine off, and"
                                            + " then say so with --fenced " + member.name());
                });
        return reasons.isEmpty() ? "the register says " + view : String.join("; ", reasons);
    }

    /** Nothing was changed. */
    void refuse(String node, String why) {
        answer(node, false, 0, 0, why);
    }

    /** The node leads. */
    void done(String node, long term, long position) {
        answer(
                node,
                true,
                term,
                position,
                "leads in term " + term + " with what it held, up to position " + position
                        + "; what was answered after that is lost, and clients that saw it are told so");
    }

    private void answer(String node, boolean isDone, long term, long position, String text) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("schema", 1);
        all.put("node", node);
        all.put("done", isDone);
        all.put("term", term);
        all.put("position", position);
        all.put("text", text);
        try {
            answer.accept(JSON.writeValueAsString(all));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("our own answer is no JSON", e);
        }
    }
}
