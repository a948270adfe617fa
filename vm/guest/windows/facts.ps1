# Tells of the guest: lines `NAME VALUE`. What it cannot tell is left out.
$ErrorActionPreference = 'Stop'
[Console]::OutputEncoding = New-Object Text.UTF8Encoding $false
function Tell([string]$name, [scriptblock]$value) {
    try {
        $text = "$(& $value)".Trim()
        if ($text) { "$name $text" }
    } catch { }
}
Tell os { (Get-CimInstance Win32_OperatingSystem).Caption }
Tell kernel.build {
    $key = Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
    "$((Get-CimInstance Win32_OperatingSystem).Version).$($key.UBR)"
}
Tell firmware { (Get-CimInstance Win32_BIOS).SMBIOSBIOSVersion }
Tell hotfixes { (Get-CimInstance Win32_QuickFixEngineering | Sort-Object HotFixID).HotFixID }
Tell power_plan {
    (Get-CimInstance -Namespace root\cimv2\power Win32_PowerPlan -Filter 'IsActive=TRUE').InstanceID
}
$number = 0
foreach ($nic in @(try { Get-NetAdapter -Physical | Sort-Object MacAddress } catch { })) {
    Tell "nic.$number.driver" { "$($nic.InterfaceDescription) $($nic.DriverVersion)" }
    $number++
}
