package io.lockstep.tsdstore;

/**
 * Something to be done in the outside world. It is run by the active once the message that asked for it is held by
 * every in-sync backup; {@code (session, request id, ordinal)} is its key for doing it once over there. After a
 * takeover the new active runs again what is not known to be done.
 *
 * @param name which {@link EffectRunner} runs it
 * @param payload what it needs
 * @param isAtMostOnce run it once at most: after a takeover a started one is given up instead of run again
 */
public record OutsideEffect(String name, byte[] payload, boolean isAtMostOnce) {}
