# The formula for Homebrew, for a tap of the project's. A release adds:
#   url "https://github.com/shellvault/vault/archive/refs/tags/vVERSION.tar.gz"
#   sha256 "..."
class Vault < Formula
  desc "Switch the current shell between AWS profiles"
  homepage "https://github.com/shellvault/vault"
  license "MIT"
  head "https://github.com/shellvault/vault.git", branch: "main"

  depends_on "go" => :build

  conflicts_with "hashicorp/tap/vault", because: "both install a command called vault"

  def install
    system "make", "install", "PREFIX=#{prefix}", "VERSION=#{version}"
  end

  def caveats
    <<~TEXT
      Load it in your shell's start-up file:
        eval "$(vault init zsh)"       # ~/.zshrc; bash: ~/.bashrc
        vault init fish | source       # ~/.config/fish/config.fish
    TEXT
  end

  test do
    assert_match "vault", shell_output("#{bin}/vault version")
    assert_match "__VAULT_INIT", shell_output("#{bin}/vault init bash")
  end
end
