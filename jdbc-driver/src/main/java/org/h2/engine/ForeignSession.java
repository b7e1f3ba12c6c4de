package org.h2.engine;

/** A session that is neither H2's own nor on its server: opens H2's constructor, which is closed to other packages. */
public abstract class ForeignSession extends Session {
    protected ForeignSession() {}
}
