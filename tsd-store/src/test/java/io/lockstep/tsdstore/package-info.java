/** Tests of the store: each name is a promise. Start at {@link io.lockstep.tsdstore.TsdStoreTest}. */
@NullMarked
package io.lockstep.tsdstore;

import org.jspecify.annotations.NullMarked;
