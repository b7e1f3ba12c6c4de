package io.lockstep.tests.mutants;

import static io.lockstep.tests.mutants.Patch.fallsThrough;
import static io.lockstep.tests.mutants.Patch.jumps;
import static io.lockstep.tests.mutants.Patch.returns;
import static io.lockstep.tests.mutants.Patch.returnsTrue;
import static io.lockstep.tests.mutants.Patch.skips;

import io.lockstep.tests.mutants.Patch.Change;
import java.util.List;

/** The mutants: each the shipped cores with one rule off. A mutant whose place is gone fails the run that loads it. */
public final class ProtocolMutants {
    private static final String FORWARD = "activenode/ForwardCore";
    private static final String ORDER = "activenode/OrderCore";
    private static final String CLOCK = "activenode/HeaderClock";
    private static final String BACKUP = "backupnode/BackupCore";
    private static final String JUDGE = "tsdstore/Judge";
    private static final String STORE = "tsdstore/TsdStore";
    private static final String STATE = "tsdstore/StoreState";
    private static final String SQL = "tsdstore/SqlMessages";
    private static final String WAITING = "tsdstore/sql/WaitingQueue";
    private static final String COPY = "tsdstore/StateItems$Installer";
    private static final String ACCEPTOR = "membership/RegisterAcceptor";
    private static final String PROPOSER = "membership/RegisterProposer";
    private static final String DISTRIBUTOR = "distributor/DistributorCore";
    private static final String SESSION = "distributor/SessionCore";

    private ProtocolMutants() {}

    /** All of them, in the order of the rules. */
    public static List<Mutant> all() {
        return List.of(
                // ---- R2: outcomes
                Mutant.of(
                        "a differing outcome is not noticed",
                        "R2 I5",
                        jumps(STORE, "apply", "outcome", 1),
                        jumps(STORE, "apply", "chain", 1)),
                Mutant.of("who differs goes on following", "R2 R11", returns(BACKUP, "onDiverged")),
                // ---- R3: the gate
                Mutant.of("answers before acknowledgement", "R3", fallsThrough(FORWARD, "toGate", "stablePosition", 0)),
                Mutant.of(
                        "waiting answers go before acknowledgement",
                        "R3",
                        fallsThrough(FORWARD, "release", "stablePosition", 0)),
                Mutant.of("reads without a round", "R3", jumps(FORWARD, "onOrdered", "needsRound", 0)),
                Mutant.of("reads go before what they saw", "R3", fallsThrough(FORWARD, "release", "stablePosition", 1)),
                Mutant.of("reads go before their round", "R3", fallsThrough(FORWARD, "release", "round", 0)),
                Mutant.of(
                        "entries of an older term, or of another active, are taken",
                        "I4",
                        fallsThrough(BACKUP, "onForward", "term", 0),
                        jumps(BACKUP, "onForward", "equals", 0)),
                Mutant.of(
                        "a backup executes what is not stable",
                        "R3",
                        new Patch(BACKUP, "onForward", "min", 0, Change.GIVES_SECOND)),
                Mutant.of(
                        "what was agreed with a former active counts as agreed with the next",
                        "R3 R5",
                        skips(BACKUP, "follow", "agreedPosition")),
                // ---- R4: a view change in flight
                Mutant.of("no union while a change is in flight", "R4", skips(FORWARD, "change", "addAll")),
                Mutant.of(
                        "a joiner is proposed before it holds what was answered",
                        "R4",
                        fallsThrough(FORWARD, "isReady", "receivedPosition", 0)),
                Mutant.of(
                        "a joiner is proposed before it holds what former reigns answered",
                        "R4",
                        new Patch(FORWARD, "isReady", "max", 0, Change.GIVES_FIRST)),
                Mutant.of("who was removed is waited for until the end", "R4 I8", skips(FORWARD, "install", "clear")),
                // ---- R5: takeover
                Mutant.of(
                        "former reigns' answers go before the view entry",
                        "R5",
                        new Patch(FORWARD, "onOrdered", "max", 0, Change.GIVES_FIRST)),
                Mutant.of("a candidate goes on acknowledging", "R5", fallsThrough(BACKUP, "onForward", "state", 0)),
                Mutant.of(
                        "who is not listed proposes itself",
                        "R5",
                        fallsThrough(BACKUP, "onRegisterRead", "hasBackup", 0),
                        fallsThrough(BACKUP, "lambda$propose$*", "hasBackup", 0)),
                Mutant.of(
                        "the winner does not execute its tail",
                        "R5",
                        skips(BACKUP, "promote", "handOver"),
                        fallsThrough(BACKUP, "finishPromotion", "lastPosition", 0)),
                Mutant.of("a deposed active goes on", "R5 I4", returns(FORWARD, "depose")),
                Mutant.of(
                        "a tail that others do not have is taken for common",
                        "R5 I5",
                        fallsThrough(FORWARD, "isOurs", "chainAt", 0)),
                Mutant.of(
                        "an empty node begins an old database anew",
                        "R7",
                        fallsThrough(BACKUP, "lambda$locate$*", "isPresent", 0)),
                Mutant.of(
                        "an operator's word counts though a member of the view lives",
                        "R7 I1",
                        new Patch(BACKUP, "lambda$override$*", "allMatch", 0, Change.CALLS_OTHER, "anyMatch")),
                // ---- the log, copies
                Mutant.of(
                        "a gap in the log is taken",
                        "I6",
                        jumps(BACKUP, "take", "agreedPosition", 1),
                        jumps(BACKUP, "take", "appendIfNext", 0)),
                Mutant.of("what was not acknowledged is never sent again", "I8", returns(FORWARD, "considerResending")),
                Mutant.of("a copy leaves out retained answers", "R8 R9", skips(COPY, "readRetained", "add")),
                Mutant.of(
                        "a copy leaves out open transactions",
                        "R8 I5",
                        new Patch(STATE, "snapshot", "add", 0, Change.SKIPS)),
                Mutant.of(
                        "a joiner forgets the open transactions of its copy",
                        "R8",
                        skips(COPY, "readTransaction", "add")),
                // ---- R9, R10: once
                Mutant.of(
                        "no deduplication",
                        "R9 I2",
                        jumps(JUDGE, "judgeOrdered", "lastOrdered", 0),
                        jumps(JUDGE, "judgeOrdered", "lastOrdered", 1),
                        jumps(STORE, "inSession", "lastOrdered", 0)),
                Mutant.of("a gap in a session is accepted", "R9 I6", jumps(JUDGE, "judgeOrdered", "lastOrdered", 1)),
                Mutant.of(
                        "a read overtakes what its session sent before",
                        "R9",
                        fallsThrough(JUDGE, "judgeRead", "previousOrdered", 0)),
                Mutant.of(
                        "a used id with another body gets the old answer",
                        "R9",
                        fallsThrough(JUDGE, "repeat", "contentDigest", 0)),
                Mutant.of(
                        "answers are pruned before they are acknowledged",
                        "R9 I3",
                        new Patch(STORE, "remember", "acknowledgedUpTo", 0, Change.CALLS_OTHER, "requestId")),
                Mutant.of("answers are not retained", "R9 I3", skips(STORE, "remember", "put")),
                Mutant.of("a log that lacks what was seen answers", "R9", jumps(JUDGE, "judge", "has", 0)),
                Mutant.of(
                        "the close of an older connection counts",
                        "R9",
                        jumps(JUDGE, "judgeOrdered", "attach", 0),
                        jumps(STORE, "inSession", "attach", 0)),
                Mutant.of("attachments are not remembered", "R9", skips(STORE, "remember", "attach")),
                Mutant.of("voiding what was executed gives no answer", "R10", fallsThrough(JUDGE, "repeat", "VOID", 0)),
                // ---- R13: the register
                Mutant.of("a voter accepts below its promise", "I13", jumps(ACCEPTOR, "decideAccept", "compareTo", 0)),
                Mutant.of(
                        "a voter promises below its promise", "I13", jumps(ACCEPTOR, "decidePrepare", "compareTo", 0)),
                Mutant.of("a voter answers before it has saved", "I13", skips(ACCEPTOR, "answer", "save")),
                Mutant.of("a minority decides", "I4 I13", returnsTrue(PROPOSER, "majority")),
                Mutant.of(
                        "a new disk counts for the value that names it",
                        "R13",
                        jumps(ACCEPTOR, "decideAccept", "voting", 0),
                        fallsThrough(PROPOSER, "counts", "booleanValue", 0)),
                Mutant.of("new disks are never named", "R13", jumps(PROPOSER, "votersAfter", "voting", 0)),
                Mutant.of("new disks are never admitted", "R13", returns(PROPOSER, "sendAdmissions")),
                // ---- R14: time
                Mutant.of(
                        "a jump of the wall clock is followed at once",
                        "R14",
                        new Patch(CLOCK, "now", "min", 0, Change.GIVES_SECOND)),
                Mutant.of("a new reign goes by its own wall clock", "R14", fallsThrough(CLOCK, "<init>", "<init>", 0)),
                Mutant.of("a takeover counts as idle time", "R14", skips(STORE, "view", "touchAll")),
                // ---- R17: poison
                Mutant.of("no mark before a repeated message", "R17", returns(ORDER, "mark")),
                Mutant.of("a marked message is not quarantined", "R17", returns(ORDER, "quarantine")),
                Mutant.of("a death note is not read", "R17", returns(BACKUP, "onDeathNote")),
                Mutant.of(
                        "repeats are not told from first copies",
                        "R17",
                        fallsThrough(SESSION, "send", "firstTerm", 0),
                        jumps(SESSION, "send", "firstAttach", 0),
                        jumps(DISTRIBUTOR, "send", "sentEpoch", 0)),
                // ---- waiting for locks
                Mutant.of("who waited is not tried again", "Locks", returns(ORDER, "nextRetry")),
                Mutant.of("who waits for itself waits for ever", "Locks", returns(WAITING, "isDeadlock")),
                Mutant.of(
                        "the last of a line is tried first",
                        "Locks",
                        new Patch(WAITING, "advance", "firstEntry", 0, Change.CALLS_OTHER, "lastEntry")),
                Mutant.of(
                        "what is voided while it waits goes on waiting", "R10", skips(STORE, "voidWaiting", "abandon")),
                Mutant.of("nobody's patience ends", "Locks", returns(WAITING, "nextGiveUp")),
                Mutant.of("the answer to what waited is not retained", "R9", skips(SQL, "release", "put")),
                Mutant.of("a read beside the lane goes before what it saw", "R3", returns(ORDER, "seenPosition")),
                // ---- clients
                Mutant.of(
                        "an answer of an older term is believed",
                        "I4",
                        fallsThrough(DISTRIBUTOR, "onReply", "equals", 0),
                        jumps(DISTRIBUTOR, "onReply", "term", 0),
                        jumps(SESSION, "onReply", "term", 0)));
    }
}
