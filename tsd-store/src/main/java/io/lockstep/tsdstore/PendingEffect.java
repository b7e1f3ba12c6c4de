package io.lockstep.tsdstore;

/**
 * An effect to the outside that a message asked for and that is not known to be done. Immutable.
 *
 * @param key for doing it once over there
 * @param effect what is to be done
 * @param position of the entry that asked for it; it may be run once that entry is held by every in-sync backup
 * @param isStarted whether an {@link io.lockstep.wire.RequestKind#EFFECT_STARTED} entry names it
 */
public record PendingEffect(EffectRunner.Key key, OutsideEffect effect, long position, boolean isStarted) {}
