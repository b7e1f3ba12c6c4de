package io.lockstep.tests.simulation;

/** What can go wrong in a schedule. Each kind is wholly off in some schedules, so that the others are seen undisturbed. */
enum FaultKind {
    /** A frame is lost. */
    LOSS(Scope.FRAME),
    /** A frame arrives twice. */
    DUPLICATION(Scope.FRAME),
    /** A frame is overtaken by later ones. */
    REORDERING(Scope.FRAME),
    /** A frame is late, and those behind it wait. */
    DELAY(Scope.FRAME),
    /** Nothing passes between two processes. */
    CUT(Scope.WORLD),
    /** Nothing passes from one process to another. */
    ONE_WAY_CUT(Scope.WORLD),
    /** What one process sends to another waits, and arrives all at once. */
    CLOG(Scope.WORLD),
    /** The nodes and distributors fall into two parts that do not hear each other; clients reach both. */
    PARTITION(Scope.WORLD),
    /** kill -9. */
    KILL(Scope.WORLD),
    /** A process stands still for up to 600 ms. */
    PAUSE(Scope.WORLD),
    /** A process stands still for 30 s, and comes back as if nothing had been. */
    ZOMBIE(Scope.WORLD),
    /** A message ends the process that executes it, and the next one. */
    POISON(Scope.WORLD),
    /** A record changes by itself on a backup. */
    CORRUPTION(Scope.WORLD),
    /** Somebody uses a request id again with another body, or leaves one out. */
    WRONG_REPEAT(Scope.WORLD),
    /** The processes' clocks show different times. */
    CLOCK_OFFSET(Scope.RUN),
    /** Clocks run fast or slow, by a hundredth at most. */
    CLOCK_DRIFT(Scope.RUN),
    /** A wall clock jumps by up to an hour. */
    CLOCK_JUMP(Scope.WORLD),
    /** A voter's power goes off in a save: what was not flushed is lost. */
    POWER_OFF(Scope.DISK),
    /** As before, and the slot that was being written is torn. */
    TORN_WRITE(Scope.DISK),
    /** A slot of a voter's file goes bad at rest. */
    BIT_FLIP(Scope.DISK),
    /** A save of a voter's record fails, as on a full disk or in a flush: nobody knows what is on the disk. */
    FAILED_FLUSH(Scope.DISK),
    /** A voter's disk takes up to 200 ms for a flush. */
    SLOW_DISK(Scope.DISK),
    /** A voter comes back with an empty disk (R13). */
    NEW_DISK(Scope.WORLD),
    /** All nodes are killed at once and come back in any order: at level memory they must refuse. */
    ALL_DARK(Scope.WORLD),
    /** An operator orders a node to lead, though one that holds more may live (R7). */
    OVERRIDE(Scope.WORLD);

    /** Where it strikes. */
    enum Scope {
        /** A frame on its way, at that frame's moment. */
        FRAME,
        /** Processes or links, at whatever moments messages are then. */
        WORLD,
        /** A save of a voter's record, at whatever moments messages are then. */
        DISK,
        /** The whole schedule. */
        RUN
    }

    final Scope scope;

    FaultKind(Scope scope) {
        this.scope = scope;
    }
}
