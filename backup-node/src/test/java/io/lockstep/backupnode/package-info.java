/** Tests of the backup's decisions as transcripts, over the real log, store and register. */
@NullMarked
package io.lockstep.backupnode;

import org.jspecify.annotations.NullMarked;
