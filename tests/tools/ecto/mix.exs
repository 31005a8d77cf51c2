defmodule Tools.MixProject do
  use Mix.Project

  def project, do: [app: :tools, version: "0.1.0", elixir: "~> 1.14", deps: deps()]

  defp deps do
    [
      {:ecto_sql, "3.10.2"},
      {:ecto, "3.10.3"},
      {:postgrex, "0.17.3"},
      {:db_connection, "2.5.0"},
      {:decimal, "2.1.1"},
      {:telemetry, "1.2.1"}
    ]
  end
end
