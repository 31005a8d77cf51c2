# The action's image: Python, a PostgreSQL server, git and kfm-ci, for amd64 and arm64.
# All packages come from Debian, so that one distribution's security updates cover the image.
ARG BASE=debian:trixie-slim

FROM ${BASE} AS build
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends python3 python3-venv
COPY constraints/image.txt /src/constraints/
# Dependencies first, because they change less often than kfm-ci. Wheels only, so that no set-up script runs.
RUN python3 -m venv /opt/kfm-ci \
 && /opt/kfm-ci/bin/python -m pip install -q --disable-pip-version-check --no-cache-dir \
      --only-binary :all: --require-hashes -r /src/constraints/image.txt
COPY constraints/build.txt /src/constraints/
COPY pyproject.toml README.md LICENSE /src/
COPY kfm_ci /src/kfm_ci
RUN python3 -m venv /opt/build \
 && /opt/build/bin/python -m pip install -q --disable-pip-version-check --no-cache-dir \
      --only-binary :all: --require-hashes -r /src/constraints/build.txt \
 && /opt/build/bin/python -m pip wheel -q --no-deps --no-build-isolation -w /dist /src \
 && /opt/kfm-ci/bin/python -m pip install -q --no-deps --no-index /dist/*.whl \
 && /opt/kfm-ci/bin/python -m pip uninstall -q -y pip

FROM ${BASE}
# git reads the base commit. The server runs as Debian's user `postgres`: PostgreSQL does not start as root.
# Every job pulls the image, so these parts are removed: the JIT compiler (half of the image, and the gate's queries are too
# short for it), the package's cluster, translations, Perl programs and modules, git's network programs.
# perl-base stays, because `apt-get install` needs it, for example to add an extension.
# Debian's psql is a Perl script that selects a version: links to the programs replace it.
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
      ca-certificates git python3 postgresql-17 \
 && ln -sf ../../bin/git /usr/lib/git-core/git \
 && ln -sf /usr/lib/postgresql/17/bin/* /usr/bin/ \
 && cd /usr/lib/git-core && rm -rf git-remote-* git-http-* git-imap-send git-daemon /usr/bin/scalar /usr/bin/git-shell \
 && rm -rf /usr/lib/*/libLLVM* /usr/lib/*/libz3.so* /usr/lib/llvm-* /usr/lib/postgresql/17/lib/llvmjit* \
      /usr/lib/postgresql/17/lib/bitcode /usr/lib/postgresql/17/lib/pgxs /var/lib/postgresql/17 /etc/postgresql/17 \
      /usr/share/i18n /usr/share/locale /usr/share/gitweb /usr/share/perl /usr/lib/*/perl /usr/lib/*/libperl.so* \
      /usr/lib/python3.13/test /usr/lib/python3.13/pydoc_data \
      /usr/share/doc /usr/share/info /usr/share/man /usr/share/lintian \
      /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/log/*.log /var/log/apt
COPY --from=build /opt/kfm-ci /opt/kfm-ci
# initdb runs once here, not at every start.
RUN /opt/kfm-ci/bin/python -I -c 'from kfm_ci.postgres.engines import data_directory_template, installations; [data_directory_template.store(each) for each in installations.find()]'
# The action's post step, in a second container. A runner starts it by the program's name, without arguments.
RUN printf '%s\n' '#!/opt/kfm-ci/bin/python -I' 'from kfm_ci.action_cleanup import main' 'main()' >/opt/kfm-ci/bin/kfm-ci-post \
 && chmod 755 /opt/kfm-ci/bin/kfm-ci-post

ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="kfm-ci" \
      org.opencontainers.image.description="Checks PostgreSQL migrations by running them on a disposable PostgreSQL server" \
      org.opencontainers.image.source="https://github.com/kfm-ci/kfm-ci" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# An absolute path and -I: the job's PATH, HOME and PYTHON* variables reach this container and must have no effect.
ENTRYPOINT ["/opt/kfm-ci/bin/python", "-I", "-m", "kfm_ci", "action"]
