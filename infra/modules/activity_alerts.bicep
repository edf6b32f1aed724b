// Alerts from the activity log of the resource group, as infra/security_alerts/activity.json lists them: who may do what, what
// runs, what is logged and who is told. A deployment of the template does some of it too, and is told like anybody else.

@description('Start of the names of the alerts.')
param namePrefix string

@description('Where docs/operations.md is.')
param runbook string

@description('Name of the action group.')
param actionGroupName string

@description('Tags of every resource.')
param tags object

var catalogue = loadJsonContent('../security_alerts/activity.json')

module alerts 'activity_alert.bicep' = [for alert in catalogue: {
  name: 'alert-${alert.name}'
  params: {
    alertName: '${namePrefix}${alert.name}'
    alertDescription: alert.description
    operations: alert.operations
    // Headings of docs/operations.md are the display names, as in log_alert.bicep.
    runbook: '${runbook}#${replace(replace(toLower(alert.displayName), ' ', '-'), '\'', '')}'
    actionGroupName: actionGroupName
    tags: tags
  }
}]
