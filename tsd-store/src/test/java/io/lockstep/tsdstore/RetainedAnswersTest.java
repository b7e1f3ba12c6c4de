package io.lockstep.tsdstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Identity;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class RetainedAnswersTest {
    /** What is counted for an answer beside its body. */
    private static final int OVERHEAD = 80;

    private final RetainedAnswers answers = new RetainedAnswers();

    private static RetainedAnswers.Retained answer(long requestId, int bytes) {
        return new RetainedAnswers.Retained(
                requestId, AnswerCode.OK, new byte[bytes], new Identity(1, requestId), requestId);
    }

    private void add(long... requestIds) {
        for (long requestId : requestIds) {
            answers.add(answer(requestId, (int) requestId));
        }
    }

    private long[] ids() {
        return Arrays.stream(answers.toArray())
                .mapToLong(RetainedAnswers.Retained::requestId)
                .toArray();
    }

    @Test
    void anAnswerIsFoundByItsIdAndNoOtherIs() {
        assertThat(answers.get(2)).isNull();
        add(2, 4, 6, 8, 10);
        for (long requestId = 1; requestId <= 11; requestId++) {
            RetainedAnswers.Retained found = answers.get(requestId);
            if (requestId % 2 == 0) {
                assertThat(found).isNotNull().extracting("requestId").isEqualTo(requestId);
            } else {
                assertThat(found).as("%s", requestId).isNull();
            }
        }
    }

    @Test
    void countsEachBodyAndTheSameMoreForEachAnswer() {
        assertThat(answers.bytes()).isZero();
        add(3, 5);
        assertThat(answers.size()).isEqualTo(2);
        assertThat(answers.bytes()).isEqualTo(3 + 5 + 2 * OVERHEAD);
        answers.pruneUpTo(3);
        assertThat(answers.size()).isEqualTo(1);
        assertThat(answers.bytes()).isEqualTo(5 + OVERHEAD);
        answers.pruneUpTo(5);
        assertThat(answers.size()).isZero();
        assertThat(answers.bytes()).isZero();
    }

    @Test
    void saysBeforehandWhatAnAcknowledgementWouldLeave() {
        add(2, 4, 6, 8);
        for (long upTo = 0; upTo <= 9; upTo++) {
            RetainedAnswers pruned = new RetainedAnswers();
            for (RetainedAnswers.Retained each : answers.toArray()) {
                pruned.add(each);
            }
            pruned.pruneUpTo(upTo);
            assertThat(answers.sizeAfter(upTo)).as("%s", upTo).isEqualTo(pruned.size());
            assertThat(answers.bytesAfter(upTo)).as("%s", upTo).isEqualTo(pruned.bytes());
        }
        assertThat(answers.sizeAfter(5)).isEqualTo(2);
        assertThat(answers.bytesAfter(5)).isEqualTo(6 + 8 + 2 * OVERHEAD);
        assertThat(ids()).containsExactly(2, 4, 6, 8);
    }

    @Test
    void anAcknowledgementTakesAwayWhatItNamesAndWhatIsOlder() {
        add(1, 2, 3, 5);
        answers.pruneUpTo(0);
        assertThat(ids()).containsExactly(1, 2, 3, 5);
        answers.pruneUpTo(2);
        assertThat(ids()).containsExactly(3, 5);
        answers.pruneUpTo(4);
        assertThat(ids()).containsExactly(5);
        assertThat(answers.get(3)).isNull();
        assertThat(answers.at(0).requestId()).isEqualTo(5);
    }

    @Test
    void answersComeAndAreAcknowledgedForEverInTheirOrder() {
        long acknowledged = 0;
        for (long requestId = 1; requestId <= 1_000; requestId++) {
            add(requestId);
            if (requestId % 7 == 0) {
                acknowledged = requestId - 1 - (requestId - 1) % 100;
                answers.pruneUpTo(acknowledged);
            }
            assertThat(answers.size()).isEqualTo((int) (requestId - acknowledged));
            assertThat(answers.at(0).requestId()).isEqualTo(acknowledged + 1);
            assertThat(answers.get(requestId)).isNotNull();
            assertThat(answers.get(acknowledged)).isNull();
        }
        answers.pruneUpTo(1_000);
        assertThat(ids()).isEmpty();
        add(1_001, 1_002);
        assertThat(ids()).containsExactly(1_001, 1_002);
    }

    @Test
    void theAnswerOfAnIdThatWasBarredTakesItsPlaceBeforeThoseOfLaterIds() {
        add(1);
        answers.put(answer(4, 4));
        answers.put(answer(7, 7));
        answers.put(answer(3, 3));
        assertThat(ids()).containsExactly(1, 3, 4, 7);
        answers.put(answer(2, 2));
        answers.put(answer(8, 8));
        assertThat(ids()).containsExactly(1, 2, 3, 4, 7, 8);
        assertThat(answers.bytes()).isEqualTo(1 + 2 + 3 + 4 + 7 + 8 + 6 * OVERHEAD);
    }

    @Test
    void anIdHasOneAnswerTheLast() {
        add(1, 2, 3);
        RetainedAnswers.Retained later = answer(2, 50);
        answers.put(later);
        assertThat(ids()).containsExactly(1, 2, 3);
        assertThat(answers.get(2)).isSameAs(later);
        assertThat(answers.bytes()).isEqualTo(1 + 50 + 3 + 3 * OVERHEAD);
    }

    @Test
    void anAnswerOutOfItsOrderIsAFaultOfOurs() {
        add(3);
        for (long requestId = 2; requestId <= 3; requestId++) {
            long late = requestId;
            assertThatThrownBy(() -> answers.add(answer(late, 0))).hasMessageContaining("out of order");
        }
        add(4);
        assertThat(ids()).containsExactly(3, 4);
    }

    @Test
    void thereIsNothingBeyondTheLastAnswer() {
        add(1, 2, 3);
        assertThatThrownBy(() -> answers.at(3))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("hole in the retained answers at 3");
        answers.put(answer(2, 0));
        answers.pruneUpTo(3);
        assertThatThrownBy(() -> answers.at(0)).hasMessageContaining("hole");
    }
}
