# Gives the NIC with a hardware address its IPv4 address and its MTU, lets in what comes over it, and waits until it can be
# used.
#
#   network.ps1 MAC ADDRESS LENGTH MTU      prints `up INDEX`
$ErrorActionPreference = 'Stop'
trap {
    [Console]::Error.WriteLine($_.Exception.Message)
    exit 1
}
$mac = $args[0].Replace(':', '-')
$address = $args[1]
$length = [int]$args[2]
$mtu = [int]$args[3]
$until = (Get-Date).AddSeconds(60)

# Plug and play may still be at it.
do {
    $nic = Get-NetAdapter | Where-Object { $_.MacAddress -eq $mac } | Select-Object -First 1
    if ($nic -and $nic.Status -eq 'Up') { break }
    if ((Get-Date) -gt $until) {
        if ($nic) { throw "the NIC $mac is there, but its link is $($nic.Status)" }
        throw "there is no NIC $mac, or no driver for it"
    }
    Start-Sleep -Milliseconds 200
} while ($true)
$index = $nic.ifIndex

Set-NetIPInterface -InterfaceIndex $index -AddressFamily IPv4 -Dhcp Disabled
Get-NetIPAddress -InterfaceIndex $index -AddressFamily IPv4 -ErrorAction SilentlyContinue |
    Remove-NetIPAddress -Confirm:$false
[void](New-NetIPAddress -InterfaceIndex $index -IPAddress $address -PrefixLength $length)

$said = netsh.exe interface ipv4 set subinterface "$index" "mtu=$mtu" store=active
if ($LASTEXITCODE -ne 0) { throw "netsh does not set the MTU ${mtu}: $said" }
$found = (Get-NetIPInterface -InterfaceIndex $index -AddressFamily IPv4).NlMtu
if ($found -ne $mtu) { throw "the MTU of the NIC $mac is $found, want $mtu" }

# A network that nobody has told Windows about is a public one, from which it lets nothing in.
[void](New-NetFirewallRule -DisplayName 'perfvt' -Direction Inbound -Action Allow -InterfaceAlias $nic.Name)

# Windows looks for somebody else with the address first.
do {
    $state = (Get-NetIPAddress -InterfaceIndex $index -IPAddress $address).AddressState
    if ("$state" -eq 'Preferred') { break }
    if ((Get-Date) -gt $until) { throw "the address $address is $state" }
    Start-Sleep -Milliseconds 200
} while ($true)
"up $index"
