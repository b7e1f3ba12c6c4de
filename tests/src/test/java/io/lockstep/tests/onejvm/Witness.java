package io.lockstep.tests.onejvm;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.View;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Sees what passes the cables and remembers what must not be: two answers to one message, two actives in one term. Safe
 * from any thread, because one lock guards everything.
 */
final class Witness {
    private final Map<String, String> answers = new HashMap<>();
    private final Map<Long, View.Member> actives = new HashMap<>();
    private long lastPosition;
    private final List<String> complaints = new CopyOnWriteArrayList<>();

    void say(String event) {
        Timeline.add(event);
    }

    void complain(String complaint) {
        Timeline.add(complaint);
        complaints.add(complaint);
    }

    synchronized void onFrame(Frame frame) {
        if (frame instanceof Frame.Forward forward && !forward.entries().isEmpty()) {
            lastPosition = Math.max(
                    lastPosition,
                    forward.entries().get(forward.entries().size() - 1).position());
        } else if (frame instanceof Frame.Reply reply) {
            onAnswer(reply.answer());
        } else if (frame instanceof Frame.ViewNotice notice) {
            View.Member before = actives.putIfAbsent(notice.term(), notice.active());
            if (before != null && !before.equals(notice.active())) {
                complain("term " + notice.term() + " has two actives: " + before + " and " + notice.active());
            }
        }
    }

    private void onAnswer(Answer answer) {
        if (answer.code() != AnswerCode.OK || answer.entry().equals(Identity.NONE) || answer.requestId() == 0) {
            return;
        }
        String message = answer.session() + "#" + answer.requestId();
        String said = answer.entry() + " " + new String(answer.body(), StandardCharsets.UTF_8);
        String before = answers.putIfAbsent(message, said);
        if (before != null && !before.equals(said)) {
            complain("message " + message + " has two answers: '" + before + "' and '" + said + "'");
        }
    }

    /** Position of the last entry that was forwarded. */
    synchronized long lastPosition() {
        return lastPosition;
    }

    void check() {
        assertThat(complaints).isEmpty();
    }
}
