import org.flywaydb.core.Flyway;

/** Runs `migrate` with Flyway's own defaults: url, user, password, directory. */
class RunFlyway {
  public static void main(String[] arguments) {
    var outcome = 0;
    try {
      Flyway.configure().dataSource(arguments[0], arguments[1], arguments[2]).locations("filesystem:" + arguments[3])
          .configuration(java.util.Map.of("flyway.postgresql.transactional.lock", "false")).load().migrate();
    } catch (RuntimeException refused) {
      System.err.println(refused.getMessage());
      outcome = 1;
    }
    System.exit(outcome);
  }
}
