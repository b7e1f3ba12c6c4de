package io.lockstep.examples.calls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.tsdstore.ServiceException;
import io.lockstep.wire.Identity;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CallCodecTest {
    private static final byte[] CONTEXT = "v=0 o=- s=call".getBytes(StandardCharsets.US_ASCII);

    static Stream<CallMessage> messages() {
        return Stream.of(
                new CallMessage.Start(4_711, "1234", 60, CONTEXT),
                new CallMessage.Start(CallLimits.CARD_MAX, "123456789012", 86_400, new byte[0]),
                new CallMessage.Extend(60, 120),
                new CallMessage.HangUp(0),
                new CallMessage.IssueCards(1, 500, "0000", 0),
                new CallMessage.TopUp(4_711, CallLimits.TOP_UP_MAX),
                new CallMessage.SetPin(4_711, "99999"));
    }

    static Stream<CallQuestion> questions() {
        return Stream.of(
                new CallQuestion.AboutCard(4_711),
                new CallQuestion.Audit(),
                new CallQuestion.Records(new Identity(3, 17), 0, 500));
    }

    static Stream<CallAnswer> answers() {
        CallRecord record = new CallRecord(new Identity(1, 2), 3, 4_711, 5, 6, 7, 8, CallEnding.EXPIRED, 0xffff_fffeL);
        return Stream.of(
                new CallAnswer.Granted(2_500, 60, 150_000, 300_000),
                new CallAnswer.WrongPin(2),
                new CallAnswer.Charged(95, 237_500, 62_500),
                new CallAnswer.CardState(1, 2, 3, 4),
                new CallAnswer.Books(1, 2, 3, 4, 5, 6, 7),
                new CallAnswer.Page(List.of()),
                new CallAnswer.Page(List.of(record, record)));
    }

    @ParameterizedTest
    @MethodSource("messages")
    void readsBackEveryMessage(CallMessage message) throws ServiceException {
        assertThat(CallMessage.decode(message.encode()))
                .usingRecursiveComparison()
                .isEqualTo(message);
    }

    @ParameterizedTest
    @MethodSource("questions")
    void readsBackEveryQuestion(CallQuestion question) throws ServiceException {
        assertThat(CallQuestion.decode(question.encode())).isEqualTo(question);
    }

    @ParameterizedTest
    @MethodSource("answers")
    void readsBackEveryAnswer(CallAnswer answer) throws ServiceException {
        assertThat(CallAnswer.decode(answer.encode())).isEqualTo(answer);
    }

    @ParameterizedTest
    @MethodSource("messages")
    void refusesAMessageCutAtAnyByteAndNamesWhatIsMissing(CallMessage message) {
        byte[] bytes = message.encode();
        for (int length = 0; length < bytes.length; length++) {
            byte[] cut = Arrays.copyOf(bytes, length);
            assertThatThrownBy(() -> CallMessage.decode(cut))
                    .isInstanceOf(ServiceException.class)
                    .hasMessageMatching("[a-zA-Z ]+: [a-z ]+ needs \\d+ bytes at offset \\d+, there are \\d+");
        }
    }

    @ParameterizedTest
    @MethodSource("messages")
    void refusesAByteTooMany(CallMessage message) {
        byte[] bytes = message.encode();
        assertThatThrownBy(() -> CallMessage.decode(Arrays.copyOf(bytes, bytes.length + 1)))
                .isInstanceOf(ServiceException.class)
                .hasMessageEndingWith("1 bytes too many after its last field");
    }

    @ParameterizedTest
    @MethodSource("questions")
    void refusesAQuestionCutAtAnyByteOrTooLong(CallQuestion question) {
        byte[] bytes = question.encode();
        for (int length = 0; length <= bytes.length + 1; length++) {
            if (length != bytes.length) {
                byte[] wrong = Arrays.copyOf(bytes, length);
                assertThatThrownBy(() -> CallQuestion.decode(wrong)).isInstanceOf(ServiceException.class);
            }
        }
    }

    @Test
    void namesTheFieldThatIsOutOfRange() {
        refused(new CallMessage.Start(0, "1234", 60, CONTEXT), "start: card must be 1 to 9999999999999999, is 0");
        refused(new CallMessage.Start(1, "123", 60, CONTEXT), "start: length of pin must be 4 to 12, is 3");
        refused(new CallMessage.Start(1, "12x4", 60, CONTEXT), "start: pin must consist of digits");
        refused(new CallMessage.Start(1, "1234", 0, CONTEXT), "start: seconds must be 1 to 86400, is 0");
        refused(
                new CallMessage.Start(1, "1234", 60, new byte[65_537]),
                "start: length of context must be 0 to 65536, is 65537");
        refused(new CallMessage.Extend(-1, 60), "extend: used seconds must be 0 to 2592000, is -1");
        refused(new CallMessage.Extend(1, -60), "extend: more seconds must be 1 to 86400, is -60");
        refused(new CallMessage.HangUp(-1), "hang up: used seconds must be 0 to 2592000, is -1");
        refused(new CallMessage.IssueCards(1, 501, "1234", 0), "issue cards: count must be 1 to 500, is 501");
        refused(new CallMessage.TopUp(1, 0), "top up: amount must be 1 to 1000000000000, is 0");
    }

    @Test
    void refusesAnUnknownKind() {
        assertThatThrownBy(() -> CallMessage.decode(new byte[] {(byte) 200}))
                .isInstanceOf(ServiceException.class)
                .hasMessage("call message: unknown kind 200, known are 1 to 6");
        assertThatThrownBy(() -> CallQuestion.decode(new byte[] {0}))
                .isInstanceOf(ServiceException.class)
                .hasMessage("call question: unknown kind 0, known are 1 to 3");
    }

    @Test
    void equalCallsGiveEqualStateBytes() {
        OpenCall call = new OpenCall(4_711, 17, 2_500, 60, 120, 300_000);
        byte[] bytes = OpenCall.KEY.codec().encode(call);
        assertThat(OpenCall.KEY.codec().decode(bytes)).isEqualTo(call);
        assertThat(OpenCall.KEY.codec().encode(OpenCall.KEY.codec().decode(bytes)))
                .isEqualTo(bytes);
    }

    private static void refused(CallMessage message, String text) {
        assertThatThrownBy(() -> CallMessage.decode(message.encode()))
                .isInstanceOf(ServiceException.class)
                .hasMessage(text);
    }
}
