package io.lockstep.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class StaticMembersTest extends MembersContract {
    @Override
    Members alone() {
        return new StaticMembers(List.of(N1));
    }

    @Test
    void forgetsWhoIsRemoved() throws Exception {
        Notes notes = new Notes();
        try (StaticMembers members = new StaticMembers(List.of(N1))) {
            members.listen(notes);
            members.publishStatus("n1", "{}");
            members.remove("n1");
            assertThat(notes.next()).isEqualTo("appeared n1 -3");
            assertThat(notes.next()).isEqualTo("gone n1");
            assertThat(members.all()).isEmpty();
            assertThat(members.statuses()).isEmpty();
        }
    }

    @Test
    void refusesOneNameTwice() {
        assertThatThrownBy(() -> new StaticMembers(List.of(N1, N1.withIncarnation(2))))
                .hasMessageContaining("named twice");
    }
}
