package io.lockstep.tests.clients;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.quartz.Job;
import org.quartz.JobBuilder;
import org.quartz.JobExecutionContext;
import org.quartz.JobExecutionException;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.TriggerBuilder;
import org.springframework.core.io.ClassPathResource;
import org.springframework.jdbc.datasource.init.ResourceDatabasePopulator;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.scheduling.quartz.SchedulerFactoryBean;
import org.springframework.transaction.support.TransactionTemplate;

/** Quartz with its jobs in the database, within transactions of Spring's. */
@Timeout(300)
@ExtendWith(RunningDatabase.class)
class QuartzIT {
    /** Tells that it ran; keeps nothing else. */
    static final class Note implements Job {
        @Override
        public void execute(JobExecutionContext context) throws JobExecutionException {
            try {
                Ran ran =
                        requireNonNull((Ran) context.getScheduler().getContext().get(Ran.class.getName()));
                ran.add(context.getMergedJobDataMap().getString("what"));
            } catch (SchedulerException e) {
                throw new JobExecutionException(e);
            }
        }
    }

    /** Which jobs have run. Safe from any thread. */
    private static final class Ran {
        private final Set<String> names = ConcurrentHashMap.newKeySet();
        private final CountDownLatch both = new CountDownLatch(2);

        void add(String name) {
            if (names.add(name)) {
                both.countDown();
            }
        }
    }

    @Test
    void jobsScheduledInOneTransactionAreThereAndRunWhenTheActiveIsKilledBetweenThem(Database database)
            throws Exception {
        Ran ran = new Ran();
        try (HikariDataSource pool = new HikariDataSource()) {
            pool.setJdbcUrl(database.url());
            pool.setUsername(Database.USER);
            pool.setPassword(Database.PASSWORD);
            new ResourceDatabasePopulator(new ClassPathResource("org/quartz/impl/jdbcjobstore/tables_h2.sql"))
                    .execute(pool);
            JdbcTransactionManager transactions = new JdbcTransactionManager(pool);
            SchedulerFactoryBean quartz = new SchedulerFactoryBean();
            quartz.setDataSource(pool);
            quartz.setTransactionManager(transactions);
            quartz.setSchedulerContextAsMap(Map.of(Ran.class.getName(), ran));
            quartz.afterPropertiesSet();
            try {
                Scheduler scheduler = quartz.getScheduler();
                new TransactionTemplate(transactions).executeWithoutResult(status -> {
                    schedule(scheduler, "first");
                    database.killActive();
                    schedule(scheduler, "second");
                });
                assertThat(database.rows("SELECT JOB_NAME, TRIGGER_STATE FROM QRTZ_TRIGGERS ORDER BY JOB_NAME"))
                        .containsExactly("first WAITING", "second WAITING");

                scheduler.start();

                assertThat(ran.both.await(60, TimeUnit.SECONDS)).isTrue();
                // Quartz forgets a job that will not run again, in a transaction after it.
                await().atMost(Duration.ofMinutes(1))
                        .untilAsserted(() -> assertThat(database.rows("SELECT JOB_NAME FROM QRTZ_JOB_DETAILS"))
                                .isEmpty());
            } finally {
                quartz.destroy();
            }
        }
        assertThat(ran.names).containsExactlyInAnyOrder("first", "second");
    }

    private static void schedule(Scheduler scheduler, String name) {
        try {
            scheduler.scheduleJob(
                    JobBuilder.newJob(Note.class)
                            .withIdentity(name)
                            .usingJobData("what", name)
                            .build(),
                    TriggerBuilder.newTrigger().withIdentity(name).startNow().build());
        } catch (SchedulerException e) {
            throw new AssertionError(e);
        }
    }
}
