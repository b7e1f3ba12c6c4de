@NullMarked
package io.lockstep.tsdstore.sql;

import org.jspecify.annotations.NullMarked;
