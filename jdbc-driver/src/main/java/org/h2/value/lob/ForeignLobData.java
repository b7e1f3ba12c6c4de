package org.h2.value.lob;

/** Content of a large object that lies elsewhere: opens H2's constructor, which is closed to other packages. */
public abstract class ForeignLobData extends LobData {
    protected ForeignLobData() {}
}
